package cmd

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/registry"
	"github.com/mlops-cli/mlops/pkg/release"
	"github.com/mlops-cli/mlops/pkg/term"
)

type modelPromoteOptions struct {
	app *app

	request release.PromoteRequest
	approve bool
}

func newModelPromoteCmd(a *app) *cobra.Command {
	o := &modelPromoteOptions{app: a}
	c := &cobra.Command{
		Use:   "promote NAME/VERSION|NAME@ALIAS ALIAS",
		Short: "Move an alias to a version when its gates hold",
		Long: `Move an alias to a version. Where mlops.yaml has gates for the alias, all of them must
hold: metrics against the version that has the alias now, stages of the version's run
that check data, tags, a signature that callers can go on with, approvals. Each gate is
shown with what was found; when one does not hold the alias stays and the exit code
is 4. The history keeps who moved it and what the gates said.`,
		Example: `  mlops model promote churn@candidate production
  mlops model promote churn/3 production --approve
  mlops model promote churn/3 production --dry-run --json`,
		Args: cobra.ExactArgs(2),
		RunE: a.run(func(ctx context.Context, args []string) error {
			ref, err := registry.ParseRef(args[0])
			if err != nil {
				return err
			}
			o.request.Ref, o.request.Alias = ref, args[1]
			return runModelPromote(ctx, o)
		}),
	}
	f := c.Flags()
	f.BoolVarP(&o.request.DryRun, "dry-run", "n", false, "only look at the gates")
	f.BoolVar(&o.approve, "approve", false, "approve of the version for this alias first, in your name")
	f.BoolVarP(&o.request.Force, "force", "f", false, "move it although gates do not hold; the history says so")
	f.StringVarP(&o.request.Why, "message", "m", "", "why, for the history")
	return c
}

func runModelPromote(ctx context.Context, o *modelPromoteOptions) error {
	q := &o.request
	if err := exactly(q.Ref, "promote", q.Alias); err != nil {
		return err
	}
	if o.approve && q.DryRun {
		return errs.New(errs.Usage, "--approve writes, and --dry-run does not")
	}
	p, err := o.app.releaser(ctx, false)
	if err != nil {
		return err
	}
	if o.approve {
		models, err := o.app.registry(ctx)
		if err != nil {
			return err
		}
		v, err := models.Find(ctx, q.Ref)
		if err != nil {
			return err
		}
		if err := models.Approve(ctx, v.Model, v.Number, registry.Approval{Alias: q.Alias, Note: q.Why}); err != nil {
			return err
		}
		q.Ref = v.Ref()
	}
	res, err := p.Promote(ctx, *q)
	if err != nil {
		return err
	}
	if err := o.app.io.Result(res, func(w io.Writer) error { return o.show(w, &res) }); err != nil {
		return err
	}
	failed := res.Failed()
	if failed == 0 || res.Moved {
		return nil
	}
	if res.From > 0 {
		o.app.io.Hint("'mlops model diff %s/%d %d' shows what differs", res.Model, res.From, res.To)
	}
	return errs.New(errs.Differs, "%s of %s@%s do not hold", term.Plural(int64(failed), "gate"), res.Model, res.Alias)
}

func (o *modelPromoteOptions) show(w io.Writer, res *release.Promotion) error {
	io := o.app.io
	if len(res.Checks) > 0 {
		t := io.Table()
		for _, c := range res.Checks {
			mark := io.Paint(term.Green, "ok")
			if !c.Passed {
				mark = io.Paint(term.Red, "no")
			}
			t.Row(mark, c.Gate, c.Name, c.Text)
		}
		if err := t.Write(w); err != nil {
			return err
		}
	}
	name := res.Model + "@" + res.Alias
	var text string
	switch {
	case res.Moved && res.From == 0:
		text = fmt.Sprintf("%s is version %d now", name, res.To)
	case res.Moved:
		text = fmt.Sprintf("%s is version %d now, it was %d", name, res.To, res.From)
	case res.From == res.To:
		text = fmt.Sprintf("%s is version %d already", name, res.To)
	case res.Failed() == 0:
		text = fmt.Sprintf("%s would become version %d", name, res.To)
	case res.From == 0:
		text = fmt.Sprintf("%s stays unset: %s", name, gatesFailed(res))
	default:
		text = fmt.Sprintf("%s stays version %d: %s", name, res.From, gatesFailed(res))
	}
	if res.Forced {
		text += ", by force"
	}
	_, err := fmt.Fprintln(w, text)
	return err
}

func gatesFailed(res *release.Promotion) string {
	if n := res.Failed(); n > 1 {
		return fmt.Sprintf("%d gates do not hold", n)
	}
	return "a gate does not hold"
}

type modelApproveOptions struct {
	app *app

	ref      string
	approval registry.Approval
}

func newModelApproveCmd(a *app) *cobra.Command {
	o := &modelApproveOptions{app: a}
	c := &cobra.Command{
		Use:   "approve NAME/VERSION|NAME@ALIAS",
		Short: "Approve of a version, in your name",
		Long: `Note that you approve of a version, for all aliases or for one. Gates in mlops.yaml can
ask for approvals, also of certain people. The name is user.name of the settings.`,
		Example: "  mlops model approve churn/3 -m \"checked on last month's data\"\n  mlops model approve churn@candidate --for production",
		Args:    cobra.ExactArgs(1),
		RunE: a.run(func(ctx context.Context, args []string) error {
			o.ref = args[0]
			return runModelApprove(ctx, o)
		}),
	}
	c.Flags().StringVar(&o.approval.Alias, "for", "", "only for this alias")
	c.Flags().StringVarP(&o.approval.Note, "message", "m", "", "what was looked at")
	return c
}

func runModelApprove(ctx context.Context, o *modelApproveOptions) error {
	models, err := o.app.registry(ctx)
	if err != nil {
		return err
	}
	ref, err := registry.ParseRef(o.ref)
	if err != nil {
		return err
	}
	if err := exactly(ref, "approve", ""); err != nil {
		return err
	}
	v, err := models.Find(ctx, ref)
	if err != nil {
		return err
	}
	if err := models.Approve(ctx, v.Model, v.Number, o.approval); err != nil {
		return err
	}
	if v, err = models.Version(ctx, v.Model, v.Number); err != nil {
		return err
	}
	return o.app.io.Result(v.Approvals, func(w io.Writer) error {
		last := v.Approvals[len(v.Approvals)-1]
		_, err := fmt.Fprintf(w, "%s approves of %s\n", last.By, v.Ref())
		return err
	})
}
