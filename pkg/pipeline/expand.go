package pipeline

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/paramfile"
	"github.com/mlops-cli/mlops/pkg/stagefile"
	"github.com/mlops-cli/mlops/pkg/track"
)

// expansion is what a map stage becomes: a stage for each item of its list.
type expansion struct {
	list  any // as paramfile decodes it; nil: not known yet
	items []stagefile.Stage
	final bool // of this run: the list does not change any more
}

// expand makes the items of the map stage s of f over a list.
func expand(f *stagefile.File, s *stagefile.Stage, list any) (*expansion, error) {
	items, err := f.ExpandOver(s.Name, list)
	if err != nil {
		return nil, err
	}
	return &expansion{list: list, items: items}, nil
}

// expandKnown expands the map stages of files over the lists that stand in the
// workspace, else over those that the lock recorded. A list that cannot be read
// now may be written anew before it is needed: it is not known.
func expandKnown(read stagefile.ReadFunc, files []*stagefile.File) map[string]*expansion {
	found := map[string]*expansion{}
	for _, f := range files {
		for i := range f.Stages {
			s := &f.Stages[i]
			if s.Map == "" {
				continue
			}
			x := &expansion{}
			if list, ok := knownList(read, s); ok {
				if known, err := expand(f, s, list); err == nil {
					x = known
				}
			}
			found[s.Address()] = x
		}
	}
	return found
}

func knownList(read stagefile.ReadFunc, s *stagefile.Stage) (list any, ok bool) {
	if text, err := read(s.Map); err == nil {
		list, err := paramfile.Parse(s.Map, text)
		return list, err == nil
	}
	text, err := read(s.Lock())
	if err != nil {
		return nil, false
	}
	lock, err := stagefile.ParseLock(s.Lock(), text)
	if err != nil {
		return nil, false
	}
	r, _ := lock.Stage(s.Name)
	return r.List, r.List != nil && !r.Doubled
}

// withItems is the stage with the items that it has, when it is a map stage.
func (p *Project) withItems(address string) []string {
	all := []string{address}
	if x := p.expansions[address]; x != nil {
		for i := range x.items {
			all = append(all, x.items[i].Address())
		}
	}
	return all
}

// connectMaps adds the edges of map stages: items come after their stage, and
// so does what reads something that an item may write.
func (p *Project) connectMaps() {
	for _, address := range slices.Sorted(maps.Keys(p.expansions)) {
		s := p.byAddress[address]
		for i := range p.expansions[address].items {
			item := &p.expansions[address].items[i]
			p.Graph.Depend(item.Address(), address)
			if !item.Frozen {
				p.waits.Depend(item.Address(), address)
			}
		}
		if len(s.MapOuts) == 0 {
			continue
		}
		matches := outMatcher(s.MapOuts)
		before := p.Graph.Below(address)
		for _, other := range p.Stages {
			if before[other.Address()] || other.Group == s.Name && other.File == s.File {
				continue
			}
			if slices.ContainsFunc(inputPaths(other), matches) {
				p.Graph.Depend(other.Address(), address)
				if !other.Frozen {
					p.waits.Depend(other.Address(), address)
				}
			}
		}
	}
}

// outMatcher tells whether a path may be, hold or stand in an out with one of
// the names, in which ${} stands for anything.
func outMatcher(templates []string) func(string) bool {
	hole := regexp.MustCompile(`\$\{[^}]*\}`)
	pattern := func(template string) string {
		parts := hole.Split(template, -1)
		for i, p := range parts {
			parts[i] = regexp.QuoteMeta(p)
		}
		return strings.Join(parts, ".+")
	}
	var all []string
	for _, t := range templates {
		all = append(all, pattern(t)+"(/.*)?")
		for at, c := range t {
			if c == '/' && strings.Count(t[:at], "${") == strings.Count(t[:at], "}") {
				all = append(all, pattern(t[:at]))
			}
		}
	}
	re := regexp.MustCompile("^(?:" + strings.Join(all, "|") + ")$")
	return func(p string) bool { return p == "." || re.MatchString(p) }
}

// judgeMap decides on a map stage. Its items are decided on by themselves.
func (d *decider) judgeMap(ctx context.Context, s *stagefile.Stage) (Step, error) {
	step := Step{Name: s.Address(), Action: Run, stage: s}
	if open, reasons := d.open(s); len(open) > 0 {
		step.Reasons = slices.Concat(reasons, []string{"its items are known then"})
		return step, nil
	}
	now, away, err := d.view.inputs(ctx, s)
	if err != nil {
		step.err, step.Reasons = err, []string{err.Error()}
		return step, ctx.Err()
	}
	now.Cmd, now.Env, step.away = nil, nil, away
	now.Fingerprint = fingerprint(s, &now)
	step.record, step.Fingerprint = now, now.Fingerprint
	lock, err := d.view.lock(s.Lock())
	if err != nil {
		return step, err
	}
	old, had := lock.Stage(s.Name)
	x := d.project.expansions[s.Address()]
	if had && !old.Doubled && old.Fingerprint == now.Fingerprint && old.List != nil {
		step.record.List = old.List
		if x.list == nil || sameList(x.list, old.List) {
			step.Action = Skip
			return step, nil
		}
	}
	step.Reasons = []string{"dependency " + s.Map + " changed"}
	if !had {
		step.Reasons = []string{"never expanded"}
	}
	return step, nil
}

// foreseeMap notes that the items of a map stage, and what they write, are not
// known.
func (d *decider) foreseeMap(step *Step) {
	if d.unexpanded == nil {
		d.unexpanded = map[string]bool{}
	}
	d.unexpanded[step.Name] = true
	items := d.project.expansions[step.Name].items
	for i := range items {
		for _, o := range items[i].Outs {
			d.view.unknown.set(o.Path, step.Name)
		}
	}
	for _, t := range step.stage.MapOuts {
		fixed, _, _ := strings.Cut(t, "${")
		if i := strings.LastIndexByte(fixed, '/'); i > 0 {
			d.view.unknown.set(fixed[:i], step.Name)
		}
	}
}

func sameList(a, b any) bool {
	return bytes.Equal(paramfile.AppendValue(nil, a), paramfile.AppendValue(nil, b))
}

// expand ends a map stage: its list is there, its items take its place.
func (s *scheduler) expand(ctx context.Context, step Step) error {
	stage := step.stage
	fail := func(err error) error {
		step.err = errs.New(errs.KindOf(err), "%w", err)
		return s.admit(ctx, &job{step: step})
	}
	if step.err != nil {
		return fail(step.err)
	}
	list := step.record.List // with which it is skipped: the file need not be here
	if step.Action != Skip {
		var err error
		if list, err = s.readList(ctx, &step); err != nil {
			return fail(err)
		}
	}
	x := s.project.expansions[step.Name]
	if x.list == nil || !sameList(x.list, list) {
		var err error
		if x, err = expand(s.fileOf(stage), stage, list); err != nil {
			return fail(err)
		}
	}
	x.final = true
	if err := s.adopt(ctx, step.Name, x); err != nil {
		return fail(err)
	}
	gone, err := s.dropItems(ctx, stage, x)
	if err != nil {
		return err
	}
	if step.Action == Skip && len(gone) == 0 {
		s.skip(step, "")
		return nil
	}
	step.record.List = list
	step.Reasons = append(step.Reasons, countItems(len(x.items), len(gone)))
	s.journal.stage(entry{
		record: track.StageRecord{Name: step.Name, Action: string(Expanded), Reasons: step.Reasons, Fingerprint: step.Fingerprint},
		stage:  stage, assets: &step.record, changed: true, gone: gone,
	})
	s.notify(Event{Type: StageEnded, Name: step.Name, Time: s.engine.Clock.Now(), Stage: stage, Action: Expanded, Reasons: step.Reasons, Record: &step.record})
	s.release(step.Name, "")
	return nil
}

// readList reads the list of a map stage, and brings it when it is not on disk.
func (s *scheduler) readList(ctx context.Context, step *Step) (any, error) {
	name := step.stage.Map
	if len(step.away) > 0 {
		if err := s.bringInputs(ctx, step); err != nil {
			return nil, err
		}
		s.decider.view.assets[name] = step.record.Deps[0]
	}
	text, err := s.engine.Read(name)
	if err != nil {
		return nil, errs.New(errs.NotFound, "read the list %s: %w", name, err)
	}
	return paramfile.Parse(name, text)
}

func countItems(n, gone int) string {
	text := fmt.Sprintf("%d items", n)
	if n == 1 {
		text = "1 item"
	}
	if gone > 0 {
		text += fmt.Sprintf(", %d gone", gone)
	}
	return text
}

func (s *scheduler) fileOf(stage *stagefile.Stage) *stagefile.File {
	i := slices.IndexFunc(s.project.Files, func(f *stagefile.File) bool { return f.Path == stage.File })
	return s.project.Files[i]
}

// adopt puts the items of a map stage into the graph, in the place of those
// that were foreseen.
func (s *scheduler) adopt(ctx context.Context, address string, x *expansion) error {
	before := s.project
	expansions := maps.Clone(before.expansions)
	expansions[address] = x
	p, err := newProject(before.Files, expansions)
	if err != nil {
		return err
	}
	chosen, err := p.choose(s.request.PlanRequest)
	if err != nil {
		return err
	}
	var fresh []string
	var stages []*stagefile.Stage
	for _, a := range chosen {
		if old := before.byAddress[a]; old == nil || !s.chosen[a] {
			fresh, stages = append(fresh, a), append(stages, p.byAddress[a])
		}
	}
	for _, stage := range stages {
		if err := s.limits.short(stage); err != nil {
			return err
		}
	}
	if err := s.decider.view.lookAlso(ctx, stages); err != nil {
		return err
	}
	if err := s.engine.ignoreOuts(ctx, p, fresh, s.decider.view, func() {}); err != nil {
		return err
	}
	s.project, s.decider.project = p, p
	s.begun[address] = true
	s.count(chosen)
	s.decider.chosen = s.chosen
	s.journal.adopt(p, chosen)
	return nil
}

// lookAlso hashes what further stages read and write.
func (v *view) lookAlso(ctx context.Context, stages []*stagefile.Stage) error {
	known := v.assets
	if err := v.look(ctx, stages); err != nil {
		v.assets = known
		return err
	}
	maps.Copy(known, v.assets)
	v.assets = known
	return nil
}

// dropItems removes what items made that are items no more, where that can be
// had again, and returns the names of their records.
func (s *scheduler) dropItems(ctx context.Context, stage *stagefile.Stage, x *expansion) ([]string, error) {
	lock, err := s.decider.view.lock(stage.Lock())
	if err != nil {
		return nil, err
	}
	now := map[string]bool{}
	for i := range x.items {
		now[x.items[i].Name] = true
	}
	var gone, paths []string
	outs := map[string]stagefile.Asset{}
	for _, r := range lock.Records() {
		if !strings.HasPrefix(r.Stage, stage.Name+"@") || now[r.Stage] {
			continue
		}
		gone = append(gone, r.Stage)
		for _, o := range r.Outs {
			if _, made := s.project.Producer(o.Path); !made && !o.NoCache && !outside(o.Path) {
				paths = append(paths, o.Path)
				outs[o.Path] = o
			}
		}
	}
	if len(paths) == 0 {
		return gone, nil
	}
	found, err := s.engine.Data.Hash(ctx, paths)
	if err != nil {
		return nil, err
	}
	var remove []string
	for _, p := range sortedKeys(found) {
		if found[p].ID == outs[p].ID {
			remove = append(remove, p)
			continue
		}
		s.notify(Event{Type: Warning, Time: s.engine.Clock.Now(), Err: fmt.Errorf("%s is kept: the item that made it is gone, but it was changed since", p)})
	}
	list := make([]stagefile.Asset, len(remove))
	for i, p := range remove {
		list[i] = outs[p]
	}
	absent, err := s.engine.Data.Absent(ctx, list)
	if err != nil {
		return nil, err
	}
	for _, a := range absent {
		remove = slices.DeleteFunc(remove, func(p string) bool { return p == a.Path })
	}
	if err := s.engine.Data.Remove(ctx, remove...); err != nil {
		return nil, err
	}
	for _, p := range remove {
		s.decider.view.changed.set(p, stage.Address())
		delete(s.decider.view.assets, p)
	}
	return gone, nil
}
