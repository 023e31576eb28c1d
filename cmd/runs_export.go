package cmd

import (
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mlops-cli/mlops/pkg/archive"
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/fsx"
	"github.com/mlops-cli/mlops/pkg/term"
	"github.com/mlops-cli/mlops/pkg/track"
)

type runsExportOptions struct {
	app *app

	refs []string
	file string
	data bool
}

func newRunsExportCmd(a *app) *cobra.Command {
	o := &runsExportOptions{app: a}
	c := &cobra.Command{
		Use:   "export [RUN...]",
		Short: "Write runs with their artifacts to a file",
		Long: `Write finished runs, with the artifacts, models and logs that they kept, to a file
that 'mlops runs import' takes in anywhere: docs/format/archive.md. Without names
these are all runs; with names, those and the runs that belong to them. --data adds
what they read and wrote. A file that ends in gz is compressed.`,
		Example: "  mlops runs export -o runs.tar\n  mlops runs export sweep-1 --data -o sweep.tar.gz\n  mlops runs export swift-otter-417 -o - | ssh host mlops -C project runs import -",
		Args:    cobra.ArbitraryArgs,
		RunE: a.run(func(ctx context.Context, args []string) error {
			o.refs = args
			return runRunsExport(ctx, o)
		}),
	}
	c.Flags().StringVarP(&o.file, "output", "o", "", "the file to write; - for stdout")
	c.Flags().BoolVar(&o.data, "data", false, "with the data that the runs read and wrote")
	return c
}

func runRunsExport(ctx context.Context, o *runsExportOptions) error {
	if o.file == "" {
		return errs.New(errs.Usage, "say where to write: -o FILE").Hint("mlops runs export -o runs.tar")
	}
	r, err := o.app.repo(ctx)
	if err != nil {
		return err
	}
	st, err := r.Store(ctx)
	if err != nil {
		return err
	}
	tracking, err := o.app.tracking(ctx)
	if err != nil {
		return err
	}
	ids, err := o.ids(ctx, tracking)
	if err != nil {
		return err
	}
	var done archive.Written
	write := func(w io.Writer) (err error) {
		done, err = archive.Write(ctx, w, st, tracking, ids, o.data)
		return err
	}
	if o.file == "-" {
		if o.app.io.IsTTY() {
			return errs.New(errs.Usage, "an archive is not for a terminal").Hint("mlops runs export -o runs.tar")
		}
		out := bufio.NewWriterSize(o.app.io.Out, 1<<20)
		if err := errors.Join(write(out), out.Flush()); err != nil {
			return err
		}
	} else if err := writeArchive(o.file, write); err != nil {
		return err
	}
	for _, path := range done.Missing {
		o.app.io.Warn("%s is not on this machine and not in the archive", path)
	}
	if o.file == "-" {
		return nil
	}
	return o.app.io.Result(done, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "exported %s with %s, %s\n", term.Plural(int64(done.Runs), "run"), term.Plural(done.Objects, "object"), term.Bytes(done.Bytes))
		return err
	})
}

// ids are the runs to write, the oldest first.
func (o *runsExportOptions) ids(ctx context.Context, tracking track.Reader) ([]string, error) {
	q := track.Query{Bare: true, Order: []track.Order{{Entity: track.Attributes, Key: "start_time"}}}
	if len(o.refs) > 0 {
		named := make([]string, len(o.refs))
		for i, ref := range o.refs {
			var err error
			if named[i], err = tracking.Resolve(ctx, ref); err != nil {
				return nil, err
			}
		}
		var err error
		if q.IDs, err = descendants(ctx, tracking, named); err != nil {
			return nil, err
		}
		q.Deleted = true
	}
	runs, err := tracking.Runs(ctx, q)
	if err != nil {
		return nil, err
	}
	var ids []string
	for i := range runs {
		if r := &runs[i]; r.Status.Over() {
			ids = append(ids, r.ID)
		} else {
			o.app.io.Warn("run %s is %s and not in the archive: only finished runs travel", r.Name, r.Status)
		}
	}
	if len(ids) == 0 {
		return nil, errs.New(errs.NotFound, "there is no finished run to export").Hint("mlops runs ls shows the runs")
	}
	return ids, nil
}

// writeArchive writes a file that is whole or not there.
func writeArchive(name string, write func(io.Writer) error) error {
	return fsx.Output(name, 0o644, func(out io.Writer) error {
		if !strings.HasSuffix(name, "gz") {
			return write(out)
		}
		packed := gzip.NewWriter(out)
		return errors.Join(write(packed), packed.Close())
	})
}
