package cmd

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/mlops-cli/mlops/pkg/archive"
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/term"
)

func newRunsImportCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "import FILE",
		Short: "Take in runs that were exported",
		Long: `Take in the runs of a file that 'mlops runs export' wrote; - is stdin. A run that is
known here keeps what it has: of its tags, name and note the later win. Importing
again changes nothing. Runs that were removed here stay removed.`,
		Example: "  mlops runs import runs.tar\n  ssh host mlops -C project runs export -o - | mlops runs import -",
		Args:    cobra.ExactArgs(1),
		RunE:    a.run(func(ctx context.Context, args []string) error { return runRunsImport(ctx, a, args[0]) }),
	}
}

func runRunsImport(ctx context.Context, a *app, file string) (err error) {
	in := a.io.In
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return errs.New(errs.NotFound, "open archive: %w", err).Hint("mlops runs export -o %s writes one", file)
		}
		defer func() { _ = f.Close() }() // it was only read
		in = f
	}
	r, err := a.repo(ctx)
	if err != nil {
		return err
	}
	st, err := r.Store(ctx)
	if err != nil {
		return err
	}
	if err := a.holdStore(ctx); err != nil {
		return err
	}
	tracking, err := a.tracking(ctx)
	if err != nil {
		return err
	}
	done, err := archive.Read(ctx, in, st, tracking)
	if err != nil {
		return err
	}
	return a.io.Result(done, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "imported %s, %d known already\n", term.Plural(int64(done.Added), "new run"), done.Runs-done.Added)
		return err
	})
}
