package release

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"path"
	"slices"
	"strings"

	"github.com/mlops-cli/mlops/pkg/compare"
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/registry"
	"github.com/mlops-cli/mlops/pkg/stagefile"
	"github.com/mlops-cli/mlops/pkg/track"
)

// Check is what was found of one gate.
type Check struct {
	Gate   string `json:"gate"` // metric, stage, tag, signature or approval
	Name   string `json:"name,omitempty"`
	Passed bool   `json:"passed"`
	Text   string `json:"text"` // what was found, for people
}

// Promotion is an alias that moved, or what keeps it from moving.
type Promotion struct {
	Model   string           `json:"name"`
	Alias   string           `json:"alias"`
	From    int              `json:"from"` // the version that had it; 0: none
	To      int              `json:"to"`
	Moved   bool             `json:"moved"`
	Gated   bool             `json:"gated"` // mlops.yaml has gates for this alias
	Forced  bool             `json:"forced,omitempty"`
	Checks  []Check          `json:"checks"`
	Version registry.Version `json:"version"`
}

// Failed counts the gates that do not hold.
func (p *Promotion) Failed() int {
	n := 0
	for _, c := range p.Checks {
		if !c.Passed {
			n++
		}
	}
	return n
}

// PromoteRequest says what alias to move.
type PromoteRequest struct {
	Ref    registry.Ref // the version that is to get it
	Alias  string
	DryRun bool   // only look at the gates
	Force  bool   // move it although gates do not hold
	Why    string // for the history
}

// Promote moves an alias to a version when all of its gates hold. What does not
// hold is no error: see Promotion.Moved.
func (p *Releaser) Promote(ctx context.Context, q PromoteRequest) (res Promotion, err error) {
	if err := registry.CheckAlias(q.Alias); err != nil {
		return res, err
	}
	v, err := p.find(ctx, q.Ref)
	if err != nil {
		return res, err
	}
	res = Promotion{Model: v.Model, Alias: q.Alias, To: v.Number, Checks: []Check{}}
	var now *registry.Version
	current, err := p.reg.Model(ctx, v.Model)
	if err != nil {
		return res, err
	}
	for _, a := range current.Aliases {
		if a.Name == q.Alias {
			holder, err := p.find(ctx, registry.Ref{Name: v.Model, Number: a.Version})
			if err != nil {
				return res, err
			}
			now, res.From = &holder, a.Version
		}
	}
	gates, ok, err := p.Gates(ctx, v.Model, q.Alias)
	if err != nil {
		return res, err
	}
	if res.Gated = ok; ok {
		if res.Checks, err = p.check(ctx, gates, &v, now); err != nil {
			return res, err
		}
	}
	res.Version = v
	if q.DryRun || res.Failed() > 0 && !q.Force || res.From == res.To {
		return res, nil
	}
	res.Forced = res.Failed() > 0
	data := map[string]any{}
	for _, c := range res.Checks {
		key := "passed"
		if !c.Passed {
			key, data["forced"] = "failed", true
		}
		list, _ := data[key].([]string)
		data[key] = append(list, strings.TrimSpace(c.Gate+" "+c.Name))
	}
	if q.Why != "" {
		data["why"] = q.Why
	}
	if err := p.reg.Promote(ctx, registry.Move{Model: v.Model, Alias: q.Alias, From: res.From, To: v.Number, Data: data}); err != nil {
		return res, err
	}
	res.Moved = true
	res.Version, err = p.reg.Version(ctx, v.Model, v.Number)
	return res, err
}

// Gates finds the gates of an alias in the mlops.yaml files of the workspace.
func (p *Releaser) Gates(ctx context.Context, model, alias string) (g stagefile.Gates, found bool, err error) {
	files, err := p.repo.PipelineFiles(ctx)
	if err != nil {
		return g, false, err
	}
	in, own := "", false
	for _, name := range files {
		if path.Base(name) != stagefile.FileName {
			continue
		}
		f, err := stagefile.Load(p.readFile, name)
		if err != nil {
			return g, false, err
		}
		got, ok := f.GatesFor(model, alias)
		if !ok {
			continue
		}
		named := slices.ContainsFunc(f.Models, func(m stagefile.Model) bool { return m.Name == model })
		if found && named == own {
			return g, false, errs.New(errs.Usage, "%s and %s both have gates for %s@%s", in, name, model, alias).Hint("keep them in one of the files")
		}
		if !found || named {
			g, found, in, own = got, true, name, named
		}
	}
	return g, found, nil
}

// check looks at every gate. Now is the version that has the alias, nil for
// none.
func (p *Releaser) check(ctx context.Context, g stagefile.Gates, v, now *registry.Version) ([]Check, error) {
	run, err := p.runOf(ctx, v)
	if err != nil {
		return nil, err
	}
	var old *track.Run
	if now != nil {
		o, err := p.runOf(ctx, now)
		if err != nil {
			return nil, err
		}
		old = &o
	}
	checks := []Check{}
	for _, m := range g.Metrics {
		checks = append(checks, p.checkMetric(m, &run, old, now))
	}
	for _, stage := range g.Stages {
		checks = append(checks, checkStage(stage, &run))
	}
	for _, t := range g.Tags {
		checks = append(checks, checkTag(t, v, &run))
	}
	if g.Signature != "" {
		checks = append(checks, checkSignature(g.Signature, v, now))
	}
	if g.Approvals > 0 {
		checks = append(checks, checkApprovals(g, v))
	}
	return checks, nil
}

// runOf is the run of a version as it is now; where it is not known here, as
// the version kept it.
func (p *Releaser) runOf(ctx context.Context, v *registry.Version) (track.Run, error) {
	if v.RunID != "" {
		run, err := p.runs.Run(ctx, v.RunID)
		if err == nil || !errs.Is(err, errs.NotFound) {
			return run, err
		}
	}
	return RunOf(v), nil
}

// RunOf makes a run of what a version kept of its run.
func RunOf(v *registry.Version) track.Run {
	d := &v.Details
	r := track.Run{ID: v.RunID, Name: cmp.Or(d.RunName, v.Ref().String()), Git: d.Git, Params: d.Params, Status: track.Finished}
	for _, m := range d.Metrics {
		r.Metrics = append(r.Metrics, track.Summary{Key: m.Key, Value: m.Value, Min: m.Value, Max: m.Value, Count: 1})
	}
	for _, in := range d.Inputs {
		r.Assets = append(r.Assets, track.Asset{Path: in.Path, Role: track.Input, Kind: in.Kind, ID: in.ID, Size: in.Size, Files: in.Files})
	}
	return r
}

// metricOf finds a metric by its name, or by its name without the file that
// it begins with, where only one is called so.
func metricOf(r *track.Run, name string) (float64, bool) {
	if m, ok := r.Metric(name); ok {
		return float64(m.Value), true
	}
	value, count := 0.0, 0
	for i := range r.Metrics {
		if _, short, _ := strings.Cut(r.Metrics[i].Key, ":"); short == name {
			value, count = float64(r.Metrics[i].Value), count+1
		}
	}
	return value, count == 1
}

func number(f float64) string { return track.Value(f).String() }

func (p *Releaser) checkMetric(g stagefile.MetricGate, run, old *track.Run, now *registry.Version) Check {
	c := Check{Gate: "metric", Name: g.Name}
	value, ok := metricOf(run, g.Name)
	if !ok {
		c.Text = "this version has no such metric"
		return c
	}
	if math.IsNaN(value) {
		c.Text = "it is NaN"
		return c
	}
	var good, bad []string
	say := func(ok bool, yes, no string) {
		if ok {
			good = append(good, yes)
		} else {
			bad = append(bad, no)
		}
	}
	if g.Min != nil {
		say(value >= *g.Min, "at least "+number(*g.Min), "less than "+number(*g.Min))
	}
	if g.Max != nil {
		say(value <= *g.Max, "at most "+number(*g.Max), "more than "+number(*g.Max))
	}
	if !g.Absolute {
		p.against(g, value, old, now, say)
	}
	c.Passed = len(bad) == 0
	if !c.Passed {
		good = bad
	}
	c.Text = number(value) + ", " + strings.Join(good, ", ")
	return c
}

// against compares a metric with that of the version that has the alias.
func (p *Releaser) against(g stagefile.MetricGate, value float64, old *track.Run, now *registry.Version, say func(ok bool, yes, no string)) {
	if now == nil {
		say(true, "and no version has the alias yet", "")
		return
	}
	before, ok := metricOf(old, g.Name)
	if !ok || math.IsNaN(before) {
		say(true, fmt.Sprintf("and version %d has none", now.Number), "")
		return
	}
	direction := map[string]compare.Direction{"higher": compare.Up, "lower": compare.Down}[g.Better]
	if direction == compare.Unknown {
		direction = p.direction(g.Name)
	}
	within := ""
	if g.Tolerance > 0 {
		within = " by more than " + number(g.Tolerance)
	}
	against := fmt.Sprintf("%s of version %d", number(before), now.Number)
	// A tolerance is given in decimal: 0.90 − 0.89 is within 0.01.
	slack := g.Tolerance + 1e-12*math.Max(math.Abs(value), math.Abs(before))
	if g.Tolerance == 0 {
		slack = 0
	}
	switch direction {
	case compare.Up:
		say(value >= before-slack, "not lower than "+against+within, "lower than "+against+within)
	case compare.Down:
		say(value <= before+slack, "not higher than "+against+within, "higher than "+against+within)
	case compare.Unknown:
		say(false, "", "and nothing says whether more or less is better: add 'better: higher' or 'better: lower' in "+stagefile.FileName)
	}
}

func (p *Releaser) direction(name string) compare.Direction {
	matches := func(pattern string) bool {
		ok, err := path.Match(pattern, name)
		return pattern == name || err == nil && ok
	}
	switch {
	case slices.ContainsFunc(p.Maximize, matches):
		return compare.Up
	case slices.ContainsFunc(p.Minimize, matches):
		return compare.Down
	}
	return compare.ByName(name)
}

func checkStage(stage string, run *track.Run) Check {
	c := Check{Gate: "stage", Name: stage, Text: "it is not in the run of this version"}
	if run.ID == "" {
		c.Text = "this version has no run"
	}
	for i := range run.Stages { // the last try counts
		s := &run.Stages[i]
		if _, short, _ := strings.Cut(s.Name, ":"); s.Name == stage || short == stage {
			c.Passed, c.Text = s.Action != "failed", s.Action+" in run "+run.Name
		}
	}
	return c
}

func checkTag(g stagefile.TagGate, v *registry.Version, run *track.Run) Check {
	c := Check{Gate: "tag", Name: g.Key}
	value, has := "", false
	for _, t := range run.Tags {
		if t.Key == g.Key {
			value, has = t.Value, true
		}
	}
	for _, t := range v.Tags { // the version's own comes before its run's
		if t.Key == g.Key {
			value, has = t.Value, true
		}
	}
	switch {
	case !has:
		c.Text = "neither the version nor its run has this tag"
	case g.Value != "" && value != g.Value:
		c.Text = fmt.Sprintf("it is %q, not %q", value, g.Value)
	default:
		c.Passed, c.Text = true, fmt.Sprintf("it is %q", value)
	}
	return c
}

func checkSignature(want string, v, now *registry.Version) Check {
	c := Check{Gate: "signature", Name: want}
	if now == nil {
		c.Passed, c.Text = true, "no version has the alias yet"
		return c
	}
	faults := registry.Incompatible(now.Details.Signature, v.Details.Signature)
	if want == "same" {
		faults = registry.SignatureDiff(now.Details.Signature, v.Details.Signature)
	}
	if len(faults) == 0 {
		c.Passed, c.Text = true, fmt.Sprintf("as version %d is called", now.Number)
		return c
	}
	c.Text = fmt.Sprintf("against version %d: %s", now.Number, strings.Join(faults, "; "))
	return c
}

func checkApprovals(g stagefile.Gates, v *registry.Version) Check {
	c := Check{Gate: "approval"}
	var by, others []string // others do not count
	for _, a := range v.Approvals {
		switch {
		case a.Alias != "" && a.Alias != g.Alias, slices.Contains(by, a.By), slices.Contains(others, a.By):
		case len(g.Approvers) == 0 || slices.Contains(g.Approvers, a.By):
			by = append(by, a.By)
		default:
			others = append(others, a.By)
		}
	}
	who := ""
	if len(g.Approvers) > 0 {
		who = " of " + strings.Join(g.Approvers, ", ")
	}
	c.Passed = len(by) >= g.Approvals
	switch {
	case len(by) == 0:
		c.Text = fmt.Sprintf("nobody%s approved yet, %d must", who, g.Approvals)
	case !c.Passed:
		c.Text = fmt.Sprintf("%d of %d approved: %s", len(by), g.Approvals, strings.Join(by, ", "))
	default:
		others = nil
		c.Text = "approved by " + strings.Join(by, ", ")
	}
	if len(others) > 0 {
		c.Text += "; " + strings.Join(others, ", ") + " did, who may not"
	}
	return c
}
