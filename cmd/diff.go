package cmd

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/term"
	"github.com/mlops-cli/mlops/pkg/workspace"
)

type diffOptions struct {
	app *app
	workspace.DiffRequest
	stat     bool
	exitCode bool
}

func newDiffCmd(a *app) *cobra.Command {
	o := &diffOptions{app: a}
	c := &cobra.Command{
		Use:   "diff [revision [revision]] [path]...",
		Short: "Show which files of the data differ",
		Long: `Lists, file by file, how the data of the workspace differs from a git revision
(HEAD when none is given), or two revisions from one another. It reads only trees
and what looks changed, and needs no data of old revisions to be there.`,
		Example: "  mlops diff\n  mlops diff v1.0\n  mlops diff v1.0 main data/train\n  mlops diff --stat",
		Args:    cobra.ArbitraryArgs,
	}
	c.RunE = a.run(func(ctx context.Context, args []string) error { return runDiff(ctx, o, args, c.ArgsLenAtDash() == 0) })
	c.Flags().BoolVar(&o.stat, "stat", false, "only the summary")
	c.Flags().BoolVar(&o.exitCode, "exit-code", false, "end with 4 when there are differences")
	return c
}

func runDiff(ctx context.Context, o *diffOptions, args []string, onlyPaths bool) error {
	w, err := o.app.workspace(ctx)
	if err != nil {
		return err
	}
	var unknown error
	o.Dir, o.Paths = ".", args
	if !onlyPaths {
		revs, paths, unclear, err := o.app.revisions(ctx, args, 2)
		if err != nil {
			return err
		}
		o.Paths, unknown = paths, unclear
		if len(revs) > 0 {
			o.From = revs[0]
		}
		if len(revs) > 1 {
			o.To = revs[1]
		}
	}
	res, err := w.Diff(ctx, o.DiffRequest)
	if err != nil {
		return neither(err, unknown, o.Paths)
	}
	if err := o.app.io.Result(res, func(out io.Writer) error { return o.print(out, res) }); err != nil {
		return err
	}
	if o.exitCode && len(res.Changes) > 0 {
		return errs.New(errs.Differs, "%s and %s differ", res.From, res.To)
	}
	return nil
}

func (o *diffOptions) print(w io.Writer, res workspace.DiffResult) error {
	if !o.stat {
		t := o.app.io.Table().Right(2)
		for _, c := range res.Changes {
			t.Row(changeLetter(o.app.io, c.Kind), changeName(c), sizes(c))
		}
		if err := t.Write(w); err != nil {
			return err
		}
	}
	s := res.Summary
	if len(res.Changes) == 0 {
		return nil
	}
	_, err := fmt.Fprintf(w, "%d added, %d modified, %d deleted, %d renamed, %s\n", s.Added, s.Modified, s.Deleted, s.Renamed, signed(s.Bytes))
	return err
}

func signed(n int64) string {
	if n < 0 {
		return "-" + term.Bytes(-n)
	}
	return "+" + term.Bytes(n)
}

func sizes(c workspace.Change) string {
	switch {
	case c.Old == nil && c.New == nil:
		return ""
	case c.Old == nil:
		return term.Bytes(c.New.Size)
	case c.New == nil:
		return term.Bytes(c.Old.Size)
	case c.Old.ID == c.New.ID && c.New.Exec && !c.Old.Exec:
		return "now executable"
	case c.Old.ID == c.New.ID && c.Old.Exec && !c.New.Exec:
		return "no longer executable"
	case c.Old.Size == c.New.Size:
		return term.Bytes(c.New.Size)
	}
	return term.Bytes(c.Old.Size) + " → " + term.Bytes(c.New.Size)
}

func changeName(c workspace.Change) string {
	if c.From != "" {
		return shown(c.From) + " → " + shown(c.Path)
	}
	return shown(c.Path)
}

// changeLetter is git's letter for a kind of change, in its colour.
func changeLetter(t *term.IO, kind string) string {
	switch kind {
	case workspace.ChangeAdded:
		return t.Paint(term.Green, "A")
	case workspace.ChangeDeleted:
		return t.Paint(term.Red, "D")
	case workspace.ChangeRenamed:
		return t.Paint(term.Cyan, "R")
	default:
		return t.Paint(term.Yellow, "M")
	}
}
