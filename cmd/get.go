package cmd

import (
	"context"
	"fmt"
	"io"
	"path"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mlops-cli/mlops/pkg/migrate"
	"github.com/mlops-cli/mlops/pkg/remote"
	"github.com/mlops-cli/mlops/pkg/term"
)

type getOptions struct {
	app  *app
	rev  string
	out  string
	jobs int
}

func newGetCmd(a *app) *cobra.Command {
	o := &getOptions{app: a}
	c := &cobra.Command{
		Use:   "get <repository> <path>",
		Short: "Copy a file or directory out of another repository",
		Long: `Copies what a path of another repository is at a revision, whether git has it, or
mlops or DVC track it. The repository is a URL that git understands, or a
directory. Only what the path needs is fetched: from the store or DVC's cache of a
repository on this machine, else from its default remote. No repository is needed
here, and nothing is tracked; see 'mlops import' for that.`,
		Example: "  mlops get https://github.com/org/data models/best.pt\n  mlops get ../other data/train --rev v1.2 -o old-train",
		Args:    cobra.ExactArgs(2),
		RunE:    a.run(func(ctx context.Context, args []string) error { return runGet(ctx, o, args[0], args[1]) }),
	}
	f := c.Flags()
	f.StringVar(&o.rev, "rev", "", "branch, tag or commit; else what is checked out there, or the default branch")
	f.StringVarP(&o.out, "output", "o", "", "name of the copy, instead of the last part of the path; of a directory that is there, inside it")
	f.IntVarP(&o.jobs, "jobs", "j", 0, "requests in flight")
	return c
}

func runGet(ctx context.Context, o *getOptions, url, p string) error {
	res, err := migrate.Get(ctx, migrate.GetRequest{URL: url, Path: p, Rev: o.rev, To: target(o.out, p)}, o.app.connector(o.jobs), o.app.io.Progress())
	if err != nil {
		return err
	}
	return o.app.io.Result(res, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "got %s, %s, %s\n", res.Path, term.Plural(res.Files, "file"), term.Bytes(res.Size))
		return err
	})
}

// target is where a copy of a path goes.
func target(out, p string) string {
	base := path.Base(path.Clean(filepath.ToSlash(p)))
	switch {
	case out == "":
		return base
	case strings.HasSuffix(out, "/") || isDirectory(out):
		return filepath.Join(out, base)
	}
	return filepath.Clean(out)
}

// connector opens buckets to be read.
func (a *app) connector(jobs int) migrate.Connect {
	return func(ctx context.Context, place string) (*remote.Conn, error) { return a.openToRead(ctx, place, jobs) }
}
