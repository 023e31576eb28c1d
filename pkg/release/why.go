package release

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/registry"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/track"
)

// Lineage is where a version comes from, and what used it.
type Lineage struct {
	Version registry.Version `json:"version"`
	Run     *Origin          `json:"run"`     // what made it; null: not known
	UsedBy  []Use            `json:"used_by"` // runs that read its files, the newest first
	SameAs  []Name           `json:"same_as"` // other versions with the same files
	History []Happening      `json:"history"` // approvals and moves of aliases, the oldest first
}

// Origin is a run that made something.
type Origin struct {
	RunID   string    `json:"run_id"`
	Name    string    `json:"name"`
	Known   bool      `json:"known"` // false: the run is not here, only what the version kept
	Kind    string    `json:"kind,omitempty"`
	Started int64     `json:"start_time,omitempty"`
	User    string    `json:"user,omitempty"`
	Command []string  `json:"command,omitempty"`
	Git     track.Git `json:"git"`
	Inputs  []Input   `json:"inputs"`

	Steps    []Step    `json:"stages,omitempty"`         // by which it came about within the run, in order
	Away     bool      `json:"stages_missing,omitempty"` // its stages are not known on this machine
	Datasets []Dataset `json:"datasets,omitempty"`       // that a client says it read
	Models   []Read    `json:"models,omitempty"`         // logged models that a client says it read
}

// Input is data that a run read, and where it came from.
type Input struct {
	registry.Data
	Commit  string  `json:"commit,omitempty"`  // that brought this content, where git tells
	Author  string  `json:"author,omitempty"`  // of that commit
	Subject string  `json:"subject,omitempty"` // of that commit
	Made    *Origin `json:"made_by,omitempty"` // the run that made it
	Model   []Name  `json:"models,omitempty"`  // versions that it is
}

// Use is a run that read a version, with the versions that were made of it.
type Use struct {
	RunID   string `json:"run_id"`
	Name    string `json:"name"`
	Started int64  `json:"start_time"`
	User    string `json:"user,omitempty"`
	Stage   string `json:"stage,omitempty"` // that read it, in the run that made it
	Models  []Name `json:"models"`
}

// Name is a version.
type Name struct {
	Model   string   `json:"name"`
	Version int      `json:"version"`
	Aliases []string `json:"aliases"`
}

// Happening is a line of the history of a version.
type Happening struct {
	Time  int64  `json:"time"`
	By    string `json:"by"`
	Kind  string `json:"kind"` // see registry.EventKinds
	Alias string `json:"alias,omitempty"`
	From  int    `json:"from,omitempty"`
	Note  string `json:"note,omitempty"`
}

// History is what this package reads of what happened.
type History interface {
	Events(ctx context.Context, q track.EventQuery) ([]track.Event, error)
}

// deepest is over how many runs lineage is followed back.
const deepest = 20

// Why tells the lineage of a version.
func (p *Releaser) Why(ctx context.Context, ref registry.Ref, history History) (l Lineage, err error) {
	if l.Version, err = p.find(ctx, ref); err != nil {
		return l, err
	}
	v := &l.Version
	l.UsedBy, l.SameAs, l.History = []Use{}, []Name{}, []Happening{}
	o, err := p.objectOfVersion(ctx, v)
	if err != nil && !errs.Is(err, errs.NotFound) {
		return l, err
	}
	files := []oid.ID{}
	var at *repo.Object
	if err == nil {
		at, files = &o, append(files, o.ID)
		if l.SameAs, err = p.names(ctx, o.ID, v.ID); err != nil {
			return l, err
		}
	}
	run, err := p.origin(ctx, &l, at, &files)
	if err != nil {
		return l, err
	}
	if l.UsedBy, err = p.uses(ctx, files, v.RunID); err != nil {
		return l, err
	}
	readers, err := p.readers(ctx, v, l.UsedBy)
	if err != nil {
		return l, err
	}
	l.UsedBy = append(l.UsedBy, readers...)
	if run != nil && at != nil {
		inside, err := p.within(ctx, run, *at, v.ID)
		if err != nil {
			return l, err
		}
		l.UsedBy = append(l.UsedBy, inside...)
	}
	if l.History, err = happenings(ctx, history, v); err != nil {
		return l, err
	}
	err = p.movedElsewhere(ctx, &l)
	return l, err
}

// origin fills in the run of a version, which it returns, nil for none. At is
// where its files stood; files gets what holds them.
func (p *Releaser) origin(ctx context.Context, l *Lineage, at *repo.Object, files *[]oid.ID) (*track.Run, error) {
	v := &l.Version
	if v.RunID == "" && v.Details.Git.Commit == "" && len(v.Details.Inputs) == 0 {
		return nil, nil
	}
	run, err := p.runOf(ctx, v)
	if err != nil {
		return nil, err
	}
	for _, a := range run.Assets {
		if a.Role != track.Input && v.Details.Path != "" && strings.HasPrefix(v.Details.Path, a.Path+"/") {
			*files = append(*files, a.ID)
		}
	}
	l.Run, err = p.back(ctx, &run, at, map[string]bool{}, 0)
	return &run, err
}

// back follows a run to its data, and that to the runs that made it: what the
// stages read by which an object came about, or without one all that it read.
func (p *Releaser) back(ctx context.Context, run *track.Run, at *repo.Object, seen map[string]bool, depth int) (*Origin, error) {
	o := &Origin{
		RunID: run.ID, Name: run.Name, Known: run.StartTime > 0, Kind: string(run.Kind), Started: run.StartTime, User: run.User,
		Command: run.Command, Git: run.Git, Inputs: []Input{},
	}
	if seen[run.ID] || depth >= deepest {
		return o, nil
	}
	seen[run.ID] = true
	inputs, err := p.inputs(ctx, run)
	if err != nil {
		return nil, err
	}
	if at != nil {
		known, err := p.stepsOf(ctx, run)
		if err != nil {
			return nil, err
		}
		list := known.behind(at.Path, at.ID)
		o.Steps, inputs, o.Away = known.show(list), known.readBy(list, inputs), known.missing
	}
	if err := p.logged(ctx, o, run, seen, depth); err != nil {
		return nil, err
	}
	for _, d := range inputs {
		in := Input{Data: d}
		if d.Code {
			o.Inputs = append(o.Inputs, in)
			continue
		}
		if in.Model, err = p.names(ctx, d.ID, ""); err != nil {
			return nil, err
		}
		maker, err := p.maker(ctx, repo.Object{Path: d.Path, ID: d.ID}, false)
		if err != nil {
			return nil, err
		}
		if maker != nil && maker.ID != run.ID && !seen[maker.ID] {
			if in.Made, err = p.back(ctx, maker, &repo.Object{Path: d.Path, ID: d.ID}, seen, depth+1); err != nil {
				return nil, err
			}
		} else if err := p.brought(ctx, &in); err != nil {
			return nil, err
		}
		o.Inputs = append(o.Inputs, in)
	}
	return o, nil
}

// commitsSearched is how many commits of a pointer are looked at.
const commitsSearched = 50

// brought finds the commit whose pointer first named an input.
func (p *Releaser) brought(ctx context.Context, in *Input) error {
	git := p.repo.Git()
	if !git.Exists() {
		return nil
	}
	pointer := repo.PointerPath(in.Path)
	log, err := git.Log(ctx, commitsSearched, pointer)
	if err != nil {
		return err
	}
	for _, c := range log { // the newest first: the oldest in a row that has the content brought it
		text, err := git.Show(ctx, c.Commit, pointer)
		if errs.Is(err, errs.NotFound) {
			continue
		}
		if err != nil {
			return err
		}
		o, err := repo.ParsePointer(pointer, text)
		if err != nil || o.ID != in.ID {
			if in.Commit != "" {
				return nil
			}
			continue
		}
		in.Commit, in.Author, in.Subject = c.Commit, c.Author, c.Subject
	}
	return nil
}

// names are the versions that have these files, but one.
func (p *Releaser) names(ctx context.Context, id oid.ID, but string) ([]Name, error) {
	versions, err := p.reg.ByObject(ctx, id[:])
	if err != nil {
		return nil, err
	}
	names := []Name{}
	for i := range versions {
		if v := &versions[i]; v.ID != but {
			names = append(names, Name{v.Model, v.Number, v.Aliases})
		}
	}
	return names, nil
}

// uses lists the runs that read one of some objects, but the run that made them.
func (p *Releaser) uses(ctx context.Context, files []oid.ID, but string) ([]Use, error) {
	if len(files) == 0 {
		return []Use{}, nil
	}
	ids := make([]string, len(files))
	for i, id := range files {
		ids[i] = id.String()
	}
	runs, err := p.runs.Runs(ctx, track.Query{
		Filter: track.Filter{{Entity: track.Datasets, Key: "digest", Op: track.In, List: ids}},
		Assets: true, Bare: true,
	})
	if err != nil {
		return nil, err
	}
	uses := []Use{}
	for i := range runs {
		r := &runs[i]
		if r.ID == but || !slices.ContainsFunc(r.Assets, func(a track.Asset) bool { return a.Role == track.Input && slices.Contains(files, a.ID) }) {
			continue
		}
		u, err := p.use(ctx, r)
		if err != nil {
			return nil, err
		}
		uses = append(uses, u)
	}
	return uses, nil
}

// sameMoment is how far an alias and its event may be apart, in ms.
const sameMoment = 1000

// movedElsewhere adds to the history who gave the version its aliases, where that
// came with a pull: the history of other machines does not.
func (p *Releaser) movedElsewhere(ctx context.Context, l *Lineage) error {
	m, err := p.reg.Model(ctx, l.Version.Model)
	if err != nil {
		return err
	}
	for _, a := range m.Aliases {
		here := func(h Happening) bool {
			return h.Alias == a.Name && h.By == a.By && max(h.Time-a.Time, a.Time-h.Time) < sameMoment &&
				(h.Kind == registry.AliasSet || h.Kind == registry.AliasPromoted)
		}
		if a.Version == l.Version.Number && !slices.ContainsFunc(l.History, here) {
			l.History = append(l.History, Happening{Time: a.Time, By: a.By, Kind: registry.AliasSet, Alias: a.Name})
		}
	}
	slices.SortStableFunc(l.History, func(a, b Happening) int { return cmp.Compare(a.Time, b.Time) })
	return nil
}

// happenings are the approvals of a version and what happened to its aliases.
func happenings(ctx context.Context, history History, v *registry.Version) ([]Happening, error) {
	list := []Happening{{Time: v.Created, By: v.User, Kind: registry.VersionCreated}}
	for _, a := range v.Approvals {
		list = append(list, Happening{Time: a.Time, By: a.By, Kind: registry.VersionApproved, Alias: a.Alias, Note: a.Note})
	}
	events, err := history.Events(ctx, track.EventQuery{Subject: v.Model, Kinds: []string{
		registry.AliasSet, registry.AliasDeleted, registry.AliasPromoted, registry.VersionStaged, registry.VersionNumbered,
	}})
	if err != nil {
		return nil, err
	}
	for _, e := range events {
		var data struct {
			Version int    `json:"version"`
			From    any    `json:"from"`
			Alias   string `json:"alias"`
			Why     string `json:"why"`
			Stage   string `json:"stage"`
		}
		if err := json.Unmarshal([]byte(e.Data), &data); err != nil {
			return nil, errs.New(errs.Corrupt, "read event %d: %w", e.Seq, err)
		}
		from, _ := data.From.(float64) // a stage has a word there
		h := Happening{Time: e.Time, By: e.By, Kind: e.Kind, Alias: data.Alias, From: int(from), Note: data.Why}
		switch {
		case data.Version != v.Number && int(from) != v.Number:
			continue
		case data.Version != v.Number: // the alias went to another version
			h.Kind, h.From, h.Note = registry.AliasDeleted, 0, "to version "+registry.Ref{Name: v.Model, Number: data.Version}.String()
		case e.Kind == registry.VersionStaged:
			h.Note = data.Stage
		}
		list = append(list, h)
	}
	return list, nil
}
