package cmd

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/remote"
	"github.com/mlops-cli/mlops/pkg/repo"
)

type remoteAddOptions struct {
	app *app

	name, url      string
	local, noCheck bool
	force, main    bool
}

func newRemoteAddCmd(a *app) *cobra.Command {
	o := &remoteAddOptions{app: a}
	c := &cobra.Command{
		Use:   "add <name> <url>",
		Short: "Add a remote; the first one is the default",
		Long: `Adds a remote after a look whether it can be reached and does what is needed: it
writes, reads, lists and deletes one small object, and checks that a write which
must not replace anything really does not.

  s3://bucket/prefix           Amazon S3
  s3://bucket/prefix?endpoint=https://host&use_path_style=true
                               what speaks its protocol: MinIO, Ceph, R2, …
  gs://bucket/prefix           Google Cloud Storage
  azblob://container/prefix    Azure Blob Storage
  file:///path, or a path      a directory, also on a shared disk

Credentials come from where each service's own tools find them. They never stand
in the URL.`,
		Example: `  mlops remote add origin s3://bucket/team
  mlops remote add lab 's3://data?endpoint=http://minio:9000&use_path_style=true'
  mlops remote add disk ../shared --local`,
		Args: cobra.ExactArgs(2),
		RunE: a.run(func(ctx context.Context, args []string) error {
			o.name, o.url = args[0], args[1]
			return runRemoteAdd(ctx, o)
		}),
	}
	f := c.Flags()
	f.BoolVar(&o.local, "local", false, "in config.local.yaml: this machine only, not in git")
	f.BoolVar(&o.noCheck, "no-check", false, "do not connect")
	f.BoolVarP(&o.force, "force", "f", false, "replace the URL of a remote that exists")
	f.BoolVar(&o.main, "default", false, "make it the default")
	return c
}

// listedRemote is a remote in JSON; docs/json.md is its contract.
type listedRemote struct {
	Name    string `json:"name"`
	URL     string `json:"url"`
	Default bool   `json:"default"`
}

func runRemoteAdd(ctx context.Context, o *remoteAddOptions) error {
	if err := checkRemoteName(o.name); err != nil {
		return err
	}
	r, err := o.app.repo(ctx)
	if err != nil {
		return err
	}
	if url, ok := r.Config.Remotes[o.name]; ok && !o.force {
		return errs.New(errs.Conflict, "remote %s exists: %s", o.name, url).
			Hint("to give it another URL, add --force")
	}
	url, err := storedURL(r.Home(), o.url)
	if err != nil {
		return err
	}
	if !o.noCheck {
		// Somebody waits, and a typing error does not pass.
		b, err := o.app.openBucket(ctx, url, remote.Options{Attempts: 2})
		if err != nil {
			return err
		}
		if err := remote.Probe(ctx, b); err != nil {
			return errs.New(errs.KindOf(err), "check remote %s (%s): %w", o.name, url, err).
				Hint("to add it without a look at it, add --no-check")
		}
	}
	file := settingsFile(r, o.local)
	if err := repo.EditConfig(ctx, file, []string{"remotes", o.name}, url); err != nil {
		return err
	}
	main := o.main || len(r.Config.Remotes) == 0 || r.Config.Core.Remote == o.name
	if main && r.Config.Core.Remote != o.name {
		if err := repo.EditConfig(ctx, file, []string{"core", "remote"}, o.name); err != nil {
			return err
		}
	}
	added := listedRemote{o.name, url, main}
	return o.app.io.Result(added, func(w io.Writer) error {
		note := ""
		if main {
			note = ", the default"
		}
		_, err := fmt.Fprintf(w, "added remote %s (%s)%s\n", o.name, url, note)
		return err
	})
}
