package pipeline

import (
	"context"
	"fmt"
	"slices"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/stagefile"
)

// Action says what is done with a stage.
type Action string

// What a plan wants done.
const (
	Run     Action = "run"
	Restore Action = "restore"
	Skip    Action = "skip"
)

// What was done.
const (
	Ran      Action = "ran"
	Expanded Action = "expanded" // a map stage: its items took its place
	Restored Action = "restored"
	Skipped  Action = "skipped"
	Failed   Action = "failed"
)

// Step is the decision on one stage.
type Step struct {
	Name        string // address of the stage
	Action      Action
	Reasons     []string
	Fingerprint string // "" while the inputs are not known

	stage  *stagefile.Stage
	record stagefile.Record  // the present inputs; with outs when Action is Restore
	away   []stagefile.Asset // dependencies that are tracked but not on disk
	needed []stagefile.Asset // outs that a restore has to put in place
	stale  []stagefile.Asset // outs on disk that the lock does not name
	err    error             // why it cannot run
}

// decider makes decisions in the order of the graph.
type decider struct {
	view  *view
	cache *stageCache
	force bool
	fetch bool // what is not in the store can be fetched

	unexpanded map[string]bool // map stages of which a plan cannot know the items

	executor string // in the place of those of the stages

	allowMissing bool // what is only not on disk is unchanged

	project *Project
	chosen  map[string]bool
	claims  *claims
	marks   map[string]mark // of stages that are at work or were not finished, by the file of the claim
}

// decide says what is to be done with the stage, from ids alone.
func (d *decider) decide(ctx context.Context, s *stagefile.Stage) (Step, error) {
	judge := d.judge
	if s.Map != "" {
		judge = d.judgeMap
	}
	step, err := judge(ctx, s)
	if len(d.marks) > 0 {
		d.noteMark(&step)
	}
	return step, err
}

func (d *decider) judge(ctx context.Context, s *stagefile.Stage) (Step, error) {
	step := Step{Name: s.Address(), Action: Run, stage: s}
	if s.Frozen {
		step.Action, step.Reasons = Skip, []string{"frozen"}
		lock, err := d.view.lock(s.Lock())
		if err != nil {
			return step, err
		}
		step.record, _ = lock.Stage(s.Name)
		return step, nil
	}
	if step.err = checkOuts(s); step.err != nil {
		step.Reasons = []string{step.err.Error()}
		return step, nil //nolint:nilerr // the step carries it
	}
	if open, reasons := d.open(s); len(open) > 0 {
		own, err := d.ownReasons(ctx, s, open)
		step.Reasons = slices.Concat(own, reasons)
		return step, err
	}
	if in, by := d.halfWritten(s); by != nil {
		step.err = errs.New(errs.Conflict, "dependency %s may be half-written: stage %s did not come to a good end in run %s", in, by.Stage, by.Run).
			Hint("run that stage: mlops run %s", by.Stage).
			Hint("or take the file as it is: --force")
		step.Reasons = []string{step.err.Error()}
		return step, nil
	}
	var now stagefile.Record
	if now, step.away, step.err = d.view.inputs(ctx, s); step.err != nil {
		step.Reasons = []string{step.err.Error()}
		return step, ctx.Err()
	}
	now.Fingerprint = fingerprint(s, &now)
	step.record, step.Fingerprint = now, now.Fingerprint
	if err := d.compare(ctx, &step); err != nil || step.Action == Skip {
		return step, err
	}
	d.view.nameAliases(ctx, step.record.Deps)
	d.nameWithin(ctx, step.record.Deps)
	if step.Action == Restore {
		return step, nil
	}
	if step.err = checkExecutor(s, d.executor); step.err != nil {
		step.Reasons = append(step.Reasons, step.err.Error())
	}
	return step, nil
}

// compare chooses the action of a stage whose inputs are known.
func (d *decider) compare(ctx context.Context, step *Step) error {
	s := step.stage
	lock, err := d.view.lock(s.Lock())
	if err != nil {
		return err
	}
	old, had := lock.Stage(s.Name)
	step.stale = d.stale(s, &old)
	switch {
	case d.force:
		step.Reasons = []string{"forced"}
		return nil
	case s.AlwaysChanged:
		step.Reasons = []string{"always_changed"}
		return nil
	case len(s.Deps)+len(s.Outs)+len(s.Params) == 0:
		step.Reasons = []string{"it has neither dependencies nor outputs"}
		return nil
	case !had:
		step.Reasons = []string{"never ran"}
	case old.Doubled:
		step.Reasons = []string{fmt.Sprintf("%s holds lines of two runs, from a git merge", s.Lock())}
	default:
		on := func(p string) (stagefile.Asset, bool) { a, ok := d.view.assets[p]; return a, ok }
		step.Reasons = inputReasons(s, &old, &step.record, func(p string) string { return d.view.changed.around(p) })
		lost := outReasons(s, &old, on, d.allowMissing)
		same := old.Fingerprint == step.Fingerprint
		if same && len(lost) == 0 {
			step.Action, step.Reasons = Skip, nil
			step.record.Outs = old.Outs
			return nil
		}
		switch {
		case same || len(step.Reasons) > 0:
		case old.Fingerprint == disturbedPrint:
			step.Reasons = []string{"what it reads changed while it last ran"}
		default:
			step.Reasons = []string{"definition changed"}
		}
		step.Reasons = append(step.Reasons, lost...)
		if same {
			if ok, err := d.restorable(ctx, step, old.Outs); err != nil || ok {
				return err
			}
		}
	}
	known, ok, err := d.cache.find(ctx, step.Fingerprint)
	if err != nil || !ok {
		return err
	}
	_, err = d.restorable(ctx, step, known.Outs)
	return err
}

// restorable makes the step a restore when outs are all that the stage makes
// and can be had.
func (d *decider) restorable(ctx context.Context, step *Step, outs []stagefile.Asset) (bool, error) {
	if len(outs) == 0 || len(outs) != len(step.stage.Outs) {
		return false, nil
	}
	known := assetsByPath(outs)
	var needed []stagefile.Asset
	for _, o := range step.stage.Outs {
		a, ok := known[o.Path]
		if !ok || o.Persist {
			return false, nil
		}
		if on, there := d.view.assets[o.Path]; !there || on.ID != a.ID || on.Kind != a.Kind {
			needed = append(needed, a)
		}
	}
	if len(needed) > 0 && !d.fetch {
		absent, err := d.view.data.Absent(ctx, needed)
		if err != nil || len(absent) > 0 {
			return false, err
		}
	}
	step.Action, step.needed = Restore, needed
	step.record.Outs = outs
	return true, nil
}

// stale returns the outs on disk with bytes that no record names: they may be
// nowhere else.
func (d *decider) stale(s *stagefile.Stage, old *stagefile.Record) []stagefile.Asset {
	known := assetsByPath(old.Outs)
	var out []stagefile.Asset
	for _, o := range s.Outs {
		if a, there := d.view.assets[o.Path]; there && !o.NoCache && !o.Persist && known[o.Path].ID != a.ID {
			out = append(out, a)
		}
	}
	return out
}
