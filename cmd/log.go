package cmd

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/track"
	"github.com/mlops-cli/mlops/pkg/version"
)

// runIDVariable names the run that log writes to.
const runIDVariable = "MLOPS_RUN_ID"

func newLogCmd(a *app) *cobra.Command {
	c := a.group("log", "Log params, metrics, tags and artifacts from a script",
		newLogStartCmd(a), newLogParamCmd(a), newLogMetricCmd(a), newLogTagCmd(a), newLogArtifactCmd(a), newLogEndCmd(a))
	c.Long = "Log from a shell script into the run that $MLOPS_RUN_ID or --run names. Without\n" +
		"one, a new run is made, its id is printed, and it stays open until 'mlops log end'."
	c.Example = "  export MLOPS_RUN_ID=$(mlops log start --name nightly)\n  mlops log param lr=0.1\n  mlops log metric loss 0.3 --step 4\n  mlops log end"
	return c
}

// logTarget is the run that a log command writes to.
type logTarget struct {
	app *app

	ref        string
	name       string
	experiment string
}

func (l *logTarget) flags(c *cobra.Command) {
	c.Flags().StringVar(&l.ref, "run", "", "the run to log to (default $"+runIDVariable+", or a new run)")
	l.newRunFlags(c)
}

func (l *logTarget) newRunFlags(c *cobra.Command) {
	c.Flags().StringVar(&l.name, "name", "", "name of the run, when a new one is made")
	c.Flags().StringVar(&l.experiment, "experiment", "", "experiment of the run, when a new one is made")
}

// named returns the run that the flag or the environment names; "" for none.
func (l *logTarget) named(ctx context.Context, tracking track.Reader) (string, error) {
	ref, from := l.ref, "--run"
	if ref == "" {
		ref, from = os.Getenv(runIDVariable), "$"+runIDVariable
	}
	switch {
	case ref == "":
		return "", nil
	case track.CheckID(ref) == nil:
		return ref, nil // the write itself says whether it exists
	}
	id, err := tracking.Resolve(ctx, ref)
	if err != nil {
		return "", fmt.Errorf("%s: %w", from, err)
	}
	return id, nil
}

// log writes a batch to the run, or to a new one whose id it prints.
func (l *logTarget) log(ctx context.Context, b track.Batch) error {
	tracking, err := l.app.tracking(ctx)
	if err != nil {
		return err
	}
	id, err := l.named(ctx, tracking)
	if err != nil {
		return err
	}
	if id == "" {
		if err := b.Check(); err != nil {
			return err // before a run is made for nothing
		}
		r, err := l.start(ctx, tracking, "")
		if err != nil {
			return err
		}
		if err := tracking.Log(ctx, r.ID, b); err != nil {
			return err
		}
		return l.app.printRunID(r.ID)
	}
	if err := tracking.Log(ctx, id, b); err != nil {
		return err
	}
	if l.app.io.JSON {
		return l.app.printRunID(id)
	}
	return nil
}

// start makes a new run of a script, which may belong to another one.
func (l *logTarget) start(ctx context.Context, tracking track.Recorder, parent string) (track.Run, error) {
	r, err := l.app.repo(ctx)
	if err != nil {
		return track.Run{}, err
	}
	git, err := gitState(ctx, r.Git())
	if err != nil {
		return track.Run{}, err
	}
	return tracking.Create(ctx, track.Run{
		Name: l.name, Experiment: l.experiment, Kind: track.Script, Parent: parent, Git: git,
		Environment: map[string]string{"os": runtime.GOOS, "arch": runtime.GOARCH, "mlops": version.Get().Version},
	})
}

// gitState describes the code that is checked out.
func gitState(ctx context.Context, git repo.Git) (track.Git, error) {
	var g track.Git
	var err error
	if g.Commit, err = git.Head(ctx); err != nil {
		return g, err
	}
	if g.Branch, err = git.Branch(ctx); err != nil {
		return g, err
	}
	if g.Dirty, err = git.Dirty(ctx); err != nil {
		return g, err
	}
	g.Remote, err = git.Remote(ctx)
	return g, err
}

func (a *app) printRunID(id string) error {
	return a.io.Result(map[string]string{"run_id": id}, func(w io.Writer) error {
		_, err := fmt.Fprintln(w, id)
		return err
	})
}

// pair is a key and its value as typed.
type pair struct{ key, value string }

// parsePairs reads KEY VALUE, or any number of KEY=VALUE.
func parsePairs(what string, args []string) ([]pair, error) {
	if len(args) == 2 && !strings.Contains(args[0], "=") {
		return []pair{{args[0], args[1]}}, nil
	}
	pairs := make([]pair, 0, len(args))
	for _, arg := range args {
		key, value, ok := strings.Cut(arg, "=")
		if !ok {
			return nil, errs.New(errs.Usage, "%s %q has no value", what, arg).
				Hint("mlops log %s %s VALUE, or mlops log %s %s=VALUE for several", what, arg, what, arg)
		}
		pairs = append(pairs, pair{key, value})
	}
	return pairs, nil
}
