package cmd

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/mlruns"
	"github.com/mlops-cli/mlops/pkg/remote"
	"github.com/mlops-cli/mlops/pkg/term"
)

type importMLflowOptions struct {
	app *app
	mlruns.ImportRequest
	artifacts string
}

func newImportMLflowCmd(a *app) *cobra.Command {
	o := &importMLflowOptions{app: a}
	c := &cobra.Command{
		Use:   "mlflow <source>",
		Short: "Take over the runs and models of MLflow",
		Long: `Takes over what MLflow knows: experiments, runs with params, tags, notes and the
whole history of their metrics, datasets, files, logged models, and the registered
models with versions, aliases, stages and tags. Ids stay the same.

The SOURCE is a directory mlruns (or one that holds it), a database of SQLite (a file,
or sqlite:///FILE) or PostgreSQL (postgresql://…), or the URL of a running server. All
of MLflow 1 to 3 are read; nothing in the source is changed. To a server that asks who
you are, MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or
MLFLOW_TRACKING_TOKEN, say it.

The command may be repeated, for instance while the old server is still used: what is
here already is left as it is, what is new is added, and what was interrupted is
finished. Equal files are stored once.`,
		Example: `  mlops import mlflow ./mlruns --dry-run
  mlops import mlflow http://mlflow.example.com:5000 --experiment wine
  mlops import mlflow sqlite:///mlflow.db --artifacts ./mlartifacts
  mlops import mlflow postgresql://reader@db/mlflow --artifacts s3://bucket/mlflow`,
		Args: cobra.ExactArgs(1),
		RunE: a.run(func(ctx context.Context, args []string) error { return runImportMLflow(ctx, o, args[0]) }),
	}
	f := c.Flags()
	listVar(f, &o.Experiments, "experiment", "", "only this experiment, by `NAME` or id; may be repeated")
	f.StringVar(&o.artifacts, "artifacts", "", "`DIR` or URL that holds what is at mlflow-artifacts:/, the server's --artifacts-destination")
	f.BoolVarP(&o.DryRun, "dry-run", "n", false, "only say what would be taken over")
	return c
}

func runImportMLflow(ctx context.Context, o *importMLflowOptions, name string) error {
	a := o.app
	if _, err := a.repo(ctx); err != nil {
		return err
	}
	source, err := mlruns.Open(ctx, name, mlruns.OpenOptions{
		Artifacts: o.artifacts, Login: mlflowLogin(),
		Bucket: func(ctx context.Context, url string) (remote.Bucket, error) {
			return a.connect(ctx, url, remote.Options{})
		},
	})
	if err != nil {
		return err
	}
	a.atEnd(source.Close)
	target, err := a.mlflowTarget(ctx)
	if err != nil {
		return err
	}
	res, err := mlruns.NewImporter(source, target, a.io.Progress()).Import(ctx, o.ImportRequest)
	if err != nil {
		if res.Runs.New+res.Runs.Updated > 0 && !res.DryRun {
			a.io.Hint("%s had been taken over: type the same command again to go on", term.Plural(int64(res.Runs.New+res.Runs.Updated), "run"))
		}
		return err
	}
	if err := a.io.Result(res, func(w io.Writer) error { return printImported(w, res) }); err != nil {
		return err
	}
	a.warnProblems(res.Problems)
	if res.Runs.Total() > 0 && !res.DryRun {
		a.io.Hint("look at them: mlops runs ls; serve them to MLflow's clients: mlops server")
	}
	if len(res.Problems) > 0 {
		return errs.New(errs.Partial, "import mlflow: %s not taken over whole", plural(len(res.Problems), "thing was", "things were"))
	}
	return nil
}

// mlflowTarget is what an import of MLflow writes to.
func (a *app) mlflowTarget(ctx context.Context) (mlruns.Target, error) {
	var t mlruns.Target
	r, err := a.repo(ctx)
	if err != nil {
		return t, err
	}
	if t.Objects, err = r.Store(ctx); err != nil {
		return t, err
	}
	if t.Tracking, err = a.tracking(ctx); err != nil {
		return t, err
	}
	t.Registry, err = a.registry(ctx)
	return t, err
}

// mlflowLogin is how clients of MLflow say who they are.
func mlflowLogin() mlruns.Login {
	return mlruns.Login{User: os.Getenv("MLFLOW_TRACKING_USERNAME"), Password: os.Getenv("MLFLOW_TRACKING_PASSWORD"), Token: os.Getenv("MLFLOW_TRACKING_TOKEN")}
}

func printImported(w io.Writer, res mlruns.ImportResult) error {
	var b strings.Builder
	printCounts(&b, []countRow{
		{"experiments", res.Experiments},
		{"runs", res.Runs},
		{"logged models", res.Models},
		{"registered models", res.Registered},
		{"model versions", res.Versions},
	}, "here already")
	if res.Points > 0 {
		fmt.Fprintf(&b, "%-18s %d\n", "metric points", res.Points)
	}
	if res.Files > 0 {
		fmt.Fprintf(&b, "%-18s %d, %s\n", "files", res.Files, term.Bytes(res.Bytes))
	}
	var ignored []string
	for what, n := range res.Ignored {
		if n == 1 {
			what = strings.TrimSuffix(what, "s")
		}
		ignored = append(ignored, fmt.Sprintf("%d %s", n, what))
	}
	if slices.Sort(ignored); len(ignored) > 0 {
		fmt.Fprintf(&b, "left out, because mlops keeps no such thing: %s\n", strings.Join(ignored, ", "))
	}
	text := b.String()
	if text == "" {
		text = "there is nothing to take over\n"
	}
	if res.DryRun {
		text = "would take over:\n" + text
	}
	_, err := io.WriteString(w, text)
	return err
}

// warnProblems says what was not copied. What has the same reason but for the id in
// it, as when thousands of runs lack their files, is said once.
func (a *app) warnProblems(problems []mlruns.Problem) {
	reason := func(p mlruns.Problem) string {
		return strings.ReplaceAll(p.Why, p.What[strings.LastIndexByte(p.What, ' ')+1:], "")
	}
	more := map[string]int{}
	for _, p := range problems {
		more[reason(p)]++
	}
	const shown = 20
	said := 0
	for _, p := range problems {
		n := more[reason(p)]
		if n == 0 {
			continue
		}
		if said++; said > shown {
			a.io.Warn("and %d more reasons: --json lists all", len(more)-shown)
			return
		}
		more[reason(p)] = 0
		if n > 1 {
			p.What += fmt.Sprintf(" and %d more", n-1)
		}
		a.io.Warn("%s: %s", p.What, p.Why)
	}
}

// countRow is a line of a summary.
type countRow struct {
	what string
	mlruns.Count
}

// printCounts writes a line for each kind of which there is any; same is the word for
// what had been copied before.
func printCounts(b *strings.Builder, rows []countRow, same string) {
	for _, row := range rows {
		if row.Total() == 0 {
			continue
		}
		var parts []string
		for _, p := range []struct {
			n    int
			word string
		}{{row.New, "new"}, {row.Updated, "updated"}, {row.Same, same}} {
			if p.n > 0 {
				parts = append(parts, fmt.Sprintf("%d %s", p.n, p.word))
			}
		}
		fmt.Fprintf(b, "%-18s %s\n", row.what, strings.Join(parts, ", "))
	}
}
