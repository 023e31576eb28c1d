package cmd

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/term"
	"github.com/mlops-cli/mlops/pkg/track"
	"github.com/mlops-cli/mlops/pkg/transfer"
)

// transferOptions are what push, fetch and pull have in common.
type transferOptions struct {
	app *app

	remote string
	jobs   int
	dryRun bool
	all    bool

	artifacts bool // of runs, in a fetch
}

func (o *transferOptions) flags(c *cobra.Command) {
	f := c.Flags()
	f.StringVarP(&o.remote, "remote", "r", "", "`NAME` of the remote (default: the default remote)")
	f.IntVarP(&o.jobs, "jobs", "j", 0, "most requests at once (default: as many as the service takes well, up to 64)")
	f.BoolVarP(&o.dryRun, "dry-run", "n", false, "only say what would be moved")
	// The flag exists at this point: an error could only say that it does not.
	if err := c.RegisterFlagCompletionFunc("remote", func(c *cobra.Command, _ []string, toComplete string) ([]string, cobra.ShellCompDirective) {
		return o.app.completeRemotes(c, nil, toComplete)
	}); err != nil {
		panic(err)
	}
}

// choose finds what the paths, typed in the working directory, name.
func (o *transferOptions) choose(ctx context.Context, r *repo.Repo, typed []string) (transfer.Selection, error) {
	paths := make([]string, len(typed))
	for i, p := range typed {
		rel, err := r.Rel(".", p)
		if err != nil {
			return transfer.Selection{}, err
		}
		paths[i] = rel
	}
	return transfer.Select(ctx, r, paths, o.all)
}

// report shows what was moved. --json has it as the last line of a stream.
func (o *transferOptions) report(s transfer.Summary, did, would, nothing string) error {
	if o.app.io.JSON {
		return o.app.io.JSONLine(struct {
			Type string `json:"type"`
			transfer.Summary
		}{"summary", s})
	}
	return o.app.io.Result(s, func(w io.Writer) error {
		if s.Objects == 0 && s.Runs == 0 && s.Stages == 0 && s.Models == 0 && s.Looked == 0 {
			_, err := fmt.Fprintln(w, nothing)
			return err
		}
		verb := did
		if o.dryRun {
			verb = would
		}
		text := fmt.Sprintf("%s %s, %s", verb, term.Plural(s.Objects, "object"), term.Bytes(s.Bytes))
		if s.Runs > 0 {
			text += ", " + term.Plural(int64(s.Runs), "run")
		}
		if s.Models > 0 {
			text += ", " + term.Plural(int64(s.Models), "model record")
		}
		if s.Stages > 0 {
			text += ", " + term.Plural(int64(s.Stages), "stage result")
		}
		if s.Looked > 0 {
			text += "; fetched to know that: " + term.Plural(s.Looked, "tree node")
		}
		_, err := fmt.Fprintf(w, "%s (%s, %s)\n", text, term.Plural(s.Requests, "request"), term.Duration(time.Duration(s.Seconds*float64(time.Second))))
		return err
	})
}

func newPushCmd(a *app) *cobra.Command {
	o := &transferOptions{app: a}
	c := &cobra.Command{
		Use:   "push [path]...",
		Short: "Send tracked data and finished runs to a remote",
		Long: `Sends what the remote lacks: of the tracked files and directories and the outputs
of stages as pointers and locks name them now, and of all finished runs with what
they made. The results of stages go too: 'mlops run --pull' elsewhere restores them
instead of running. With paths, only those. Small files travel in packs, so a push takes
few requests however many files there are; nothing is sent that is there already.

Others see a push when all of it has arrived. Two pushes at once both finish, and
one that was interrupted leaves nothing half-way: type it again.`,
		Example: "  mlops push\n  mlops push data/train models\n  mlops push --all --remote backup\n  mlops push --dry-run",
		Args:    cobra.ArbitraryArgs,
		RunE:    a.run(func(ctx context.Context, args []string) error { return runPush(ctx, o, args) }),
	}
	o.flags(c)
	c.Flags().BoolVar(&o.all, "all", false, "what any git branch, tag or stash names, too")
	return c
}

func runPush(ctx context.Context, o *transferOptions, paths []string) error {
	t, name, err := o.app.transfer(ctx, o.remote, o.jobs)
	if err != nil {
		return err
	}
	r, err := o.app.repo(ctx)
	if err != nil {
		return err
	}
	chosen, err := o.choose(ctx, r, paths)
	if err != nil {
		return err
	}
	for _, p := range chosen.Parts {
		return errs.New(errs.Usage, "%s/%s is a part of %s, which is pushed whole", p.Dir.Path, p.Path, p.Dir.Path).
			Hint("mlops push %s", p.Dir.Path)
	}
	req := transfer.PushRequest{Objects: chosen.Objects, DryRun: o.dryRun, By: pusher(r)}
	if len(paths) == 0 {
		if req.Runs, err = o.app.tracking(ctx); err != nil {
			return err
		}
		if req.Stages, err = o.app.stageCache(ctx); err != nil {
			return err
		}
		if req.Models, err = o.app.registry(ctx); err != nil {
			return err
		}
	}
	s, err := t.Push(ctx, req)
	if err != nil && !errs.Is(err, errs.Partial) {
		return err
	}
	o.moved(ctx, track.RemotePushed, name, s)
	if err != nil {
		err = beside(err, r)
	}
	if rerr := o.report(s, "pushed to "+name+":", "would push to "+name+":", "everything is in "+name+" already"); rerr != nil {
		return rerr
	}
	return err
}

// moved adds to the history what came to or from a remote, if anything.
func (o *transferOptions) moved(ctx context.Context, kind, name string, s transfer.Summary) {
	if !o.dryRun && s.Objects+int64(s.Runs+s.Stages+s.Models) > 0 {
		o.app.emit(ctx, kind, name, map[string]any{"objects": s.Objects, "bytes": s.Bytes, "runs": s.Runs, "stages": s.Stages, "models": s.Models, "seconds": s.Seconds})
	}
}

// pusher names who pushes, for the remote's log.
func pusher(r *repo.Repo) string {
	name := r.Config.User.Name
	if name == "" {
		name = os.Getenv("USER")
	}
	if host, err := os.Hostname(); err == nil {
		name += "@" + host
	}
	return name
}
