package cmd

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mlops-cli/mlops/pkg/pipeline"
)

type stageAddOptions struct {
	app *app
	pipeline.AddRequest
	run bool
}

func newStageAddCmd(a *app) *cobra.Command {
	o := &stageAddOptions{app: a}
	c := &cobra.Command{
		Use:   "add -n NAME [flags] COMMAND...",
		Short: "Write a stage into mlops.yaml",
		Long: `Write a stage into the mlops.yaml of the current directory, which is made when
missing; where there is a dvc.yaml instead, into that. Comments and order of the
file stay. Put a command with quotes, pipes or $ into one pair of quotes.`,
		Example: `  mlops stage add -n train -d train.py -d data -p lr,epochs -o model.pkl python train.py
  mlops stage add -n evaluate -d model.pkl -M metrics.json 'python eval.py > metrics.json'`,
		Args: cobra.MinimumNArgs(1),
		RunE: a.run(func(ctx context.Context, args []string) error {
			o.Stage.Cmd = strings.Join(args, " ")
			return runStageAdd(ctx, o)
		}),
	}
	f := c.Flags()
	f.SetInterspersed(false) // flags after the command's first word are its own
	f.StringVarP(&o.Stage.Name, "name", "n", "", "name of the stage")
	stageFields(f, &o.Stage)
	f.BoolVarP(&o.Replace, "force", "f", false, "replace a stage of that name")
	f.BoolVar(&o.run, "run", false, "then run the stage")
	if err := c.MarkFlagRequired("name"); err != nil {
		panic(err) // the flag is defined above
	}
	return c
}

func runStageAdd(ctx context.Context, o *stageAddOptions) error {
	e, dir, err := o.app.engine(ctx)
	if err != nil {
		return err
	}
	o.Dir = dir
	added, err := e.AddStage(ctx, o.AddRequest)
	if err != nil {
		return err
	}
	if o.run {
		o.app.io.Note("added stage %s to %s", added.Name, added.File)
		r := &runOptions{app: o.app}
		r.Stages, r.Single = []string{added.Name}, true
		return runRun(ctx, r)
	}
	return o.app.io.Result(added, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "added stage %s to %s\n", added.Name, added.File)
		return err
	})
}
