package cmd

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/term"
	"github.com/mlops-cli/mlops/pkg/upkeep"
	"github.com/mlops-cli/mlops/pkg/workspace"
)

func newFsckCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "fsck",
		Short: "Verify the store and say what is wrong",
		Long: `Reads every object in the store and checks that it is what its name says, that
the objects of all tracked files in the workspace and of registered models are
there, and that the database is whole. It changes
no data. Exit code 14 when something is wrong; what it then prints says how to
mend it.`,
		Example: "  mlops fsck\n  mlops fsck --json",
		Args:    cobra.NoArgs,
		RunE:    a.run(func(ctx context.Context, _ []string) error { return runFsck(ctx, a) }),
	}
}

func runFsck(ctx context.Context, a *app) error {
	r, err := a.repo(ctx)
	if err != nil {
		return err
	}
	res, err := upkeep.New(r, modelRoots{a, r}).Fsck(ctx, a.io.Progress())
	if err != nil {
		return err
	}
	if err := a.io.Result(res, func(w io.Writer) error { return printFsck(w, res) }); err != nil {
		return err
	}
	if res.NotHere > 0 {
		a.io.Hint("%s not on this machine: mlops pull", term.Plural(res.NotHere, "tracked path"))
	}
	if res.OK {
		return nil
	}
	e := errs.New(errs.Corrupt, "%s found", term.Plural(int64(len(res.Findings)), "problem"))
	// A damaged file is in the way of what would take its place.
	var away []string
	for _, f := range res.Findings {
		if f.Kind == "damaged" && !slices.Contains(away, f.Path) {
			away = append(away, f.Path)
		}
	}
	if len(away) > 0 && len(away) <= 6 {
		e.Hint("move what is damaged away first: mkdir damaged; mv %s damaged", workspace.Quote(away))
	} else if len(away) > 0 {
		e.Hint("move the damaged files away first")
	}
	return e.Hint("'mlops fetch' brings objects back from a remote; 'mlops add PATH' stores a file again that is still in the workspace")
}

func printFsck(w io.Writer, res upkeep.FsckResult) error {
	for _, f := range res.Findings {
		by := ""
		if f.By != "" {
			by = " (needed by " + f.By + ")"
		}
		if _, err := fmt.Fprintf(w, "%s: %s%s: %s\n", f.Kind, f.Path, by, f.Detail); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "verified %s, %s\n", term.Plural(res.Objects, "object"), term.Bytes(res.Bytes))
	return err
}
