package cmd

import (
	"context"
	"errors"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mlops-cli/mlops/pkg/stagefile"
)

type stageLsOptions struct {
	app      *app
	stages   []string
	nameOnly bool
}

func newStageLsCmd(a *app) *cobra.Command {
	o := &stageLsOptions{app: a}
	c := &cobra.Command{
		Use:     "ls [STAGE...]",
		Aliases: []string{"list"},
		Short:   "List the stages of all pipeline files",
		Long: `List the stages of all pipeline files of the repository, or those named: a stage,
a group, a pipeline file, or the stage that makes an output. --json gives everything
that was resolved. When a file cannot be read, the stages of the others are listed,
and the command ends with status 64.`,
		Example: "  mlops stage ls\n  mlops stage ls train --json",
		Args:    cobra.ArbitraryArgs,
		RunE: a.run(func(ctx context.Context, args []string) error {
			o.stages = args
			return runStageLs(ctx, o)
		}),
		ValidArgsFunction: completeStages(a),
	}
	f := c.Flags()
	f.BoolVar(&o.nameOnly, "name-only", false, "only the names")
	f.BoolVar(&o.nameOnly, "names-only", false, "the same")
	if err := f.MarkHidden("names-only"); err != nil {
		panic(err) // the flag is defined above
	}
	return c
}

func runStageLs(ctx context.Context, o *stageLsOptions) error {
	e, dir, err := o.app.engine(ctx)
	if err != nil {
		return err
	}
	p, broken := e.Stages(ctx)
	if p == nil {
		return broken
	}
	stages, err := p.List(o.stages, dir)
	if err != nil {
		return errors.Join(broken, err)
	}
	err = o.app.io.Result(stages, func(w io.Writer) error {
		t := o.app.io.Table()
		for _, s := range stages {
			if o.nameOnly {
				t.Row(s.Address())
			} else {
				t.Row(s.Address(), about(s))
			}
		}
		return t.Write(w)
	})
	return errors.Join(err, broken)
}

// about says in a few words what a stage is for: its description, or what it
// makes.
func about(s *stagefile.Stage) string {
	if s.Desc != "" {
		return strings.Join(strings.Fields(s.Desc), " ")
	}
	if len(s.Outs) == 0 {
		return "runs " + strings.Join(strings.Fields(strings.Join(s.Cmd, "; ")), " ")
	}
	outs := make([]string, len(s.Outs))
	for i, o := range s.Outs {
		outs[i] = o.Path
	}
	return "makes " + strings.Join(outs, ", ")
}
