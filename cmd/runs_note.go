package cmd

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

type runsNoteOptions struct {
	app *app

	ref  string
	text string
	set  bool
}

func newRunsNoteCmd(a *app) *cobra.Command {
	o := &runsNoteOptions{app: a}
	return &cobra.Command{
		Use:     "note RUN [TEXT...]",
		Short:   "Write or show the note of a run",
		Long:    "Write the note of a run in place of the one it has, or show it. An empty TEXT (\"\") takes it off.",
		Example: "  mlops runs note swift-otter-417 \"best so far, but slow\"\n  mlops runs note swift-otter-417",
		Args:    cobra.MinimumNArgs(1),
		RunE: a.run(func(ctx context.Context, args []string) error {
			o.ref, o.text, o.set = args[0], strings.Join(args[1:], " "), len(args) > 1
			return runRunsNote(ctx, o)
		}),
	}
}

func runRunsNote(ctx context.Context, o *runsNoteOptions) error {
	tracking, err := o.app.tracking(ctx)
	if err != nil {
		return err
	}
	id, err := tracking.Resolve(ctx, o.ref)
	if err != nil {
		return err
	}
	if o.set {
		if err := tracking.SetNote(ctx, id, o.text); err != nil {
			return err
		}
	}
	r, err := tracking.Run(ctx, id)
	if err != nil {
		return err
	}
	return o.app.io.Result(map[string]string{"run_id": r.ID, "note": r.Note}, func(w io.Writer) error {
		if r.Note == "" {
			return nil
		}
		_, err := fmt.Fprintln(w, r.Note)
		return err
	})
}
