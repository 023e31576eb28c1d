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
	s := &o.Stage
	f.StringVarP(&s.Name, "name", "n", "", "name of the stage")
	f.StringArrayVarP(&s.Deps, "deps", "d", nil, "file or directory that it reads")
	f.StringArrayVarP(&s.Params, "params", "p", nil, "parameters, `[FILE:]KEY,KEY`; FILE: for the whole file")
	f.StringArrayVarP(&s.Outs, "outs", "o", nil, "file or directory that it writes")
	f.StringArrayVarP(&s.OutsNoCache, "outs-no-cache", "O", nil, "the same, kept in git instead of the store")
	f.StringArrayVar(&s.OutsPersist, "outs-persist", nil, "the same, not removed before the stage runs")
	f.StringArrayVarP(&s.Metrics, "metrics", "m", nil, "metrics file that it writes")
	f.StringArrayVarP(&s.MetricsNoCache, "metrics-no-cache", "M", nil, "the same, kept in git instead of the store")
	f.StringArrayVar(&s.Plots, "plots", nil, "file of plots that it writes")
	f.StringArrayVar(&s.PlotsNoCache, "plots-no-cache", nil, "the same, kept in git instead of the store")
	f.StringVarP(&s.Wdir, "wdir", "w", "", "directory that the command runs in")
	f.StringVar(&s.Desc, "desc", "", "description, for people")
	f.BoolVar(&s.AlwaysChanged, "always-changed", false, "run it every time")
	f.BoolVarP(&o.Replace, "force", "f", false, "replace a stage of that name")
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
	return o.app.io.Result(added, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "added stage %s to %s\n", added.Name, added.File)
		return err
	})
}
