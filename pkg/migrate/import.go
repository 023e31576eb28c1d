package migrate

import (
	"context"
	"crypto/md5" //nolint:gosec // DVC's names
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/mlops-cli/mlops/pkg/clock"
	"github.com/mlops-cli/mlops/pkg/compare"
	"github.com/mlops-cli/mlops/pkg/dvc"
	"github.com/mlops-cli/mlops/pkg/fault"
	"github.com/mlops-cli/mlops/pkg/fsx"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/pipeline"
	"github.com/mlops-cli/mlops/pkg/progress"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/stagefile"
	"github.com/mlops-cli/mlops/pkg/store"
	"github.com/mlops-cli/mlops/pkg/transfer"
)

// ImportRequest says what to take over besides what is checked out.
type ImportRequest struct {
	AllBranches, AllTags bool // data of their commits, too
}

// The states of what was taken over.
const (
	StateNew      = "new"      // it was not known here
	StateUpdated  = "updated"  // DVC's file moved on since it was taken over
	StateSame     = "same"     // it was taken over before
	StateAbsent   = "absent"   // its data is not on this machine
	StateConflict = "conflict" // both DVC's file and the pointer moved on
)

// ImportedPath is a path that a .dvc file tracks.
type ImportedPath struct {
	Path  repo.Text `json:"path"`
	From  repo.Text `json:"from"` // the .dvc file
	State string    `json:"state"`
	ID    string    `json:"id"`  // of the object, "" when it is not known
	Sum   string    `json:"md5"` // DVC's name of it
	Size  int64     `json:"size"`
	Files int64     `json:"files"`
}

// ImportedStage is a record of a dvc.lock.
type ImportedStage struct {
	Lock  repo.Text `json:"lock"`
	Stage string    `json:"stage"`
	State string    `json:"state"` // new, same or absent
}

// ImportedRemote is a remote of DVC's configuration.
type ImportedRemote struct {
	Name  string `json:"name"`
	URL   string `json:"url"`   // as DVC has it
	State string `json:"state"` // new, same; absent when mlops cannot speak to it
	Ours  string `json:"ours"`  // where mlops push will put its own objects
	Why   string `json:"why,omitempty"`
}

// ImportResult is what Import did, or would do.
type ImportResult struct {
	Root     string           `json:"root"`
	DryRun   bool             `json:"dry_run"`
	Paths    []ImportedPath   `json:"paths"`
	Stages   []ImportedStage  `json:"stages"`
	Remotes  []ImportedRemote `json:"remotes"`
	Cached   int              `json:"cached_results"` // entries of the run cache
	Runs     int              `json:"runs"`           // experiments
	Commits  int              `json:"commits"`        // branches and tags that were looked through
	Objects  int64            `json:"objects"`        // files that were taken out of DVC's cache
	Bytes    int64            `json:"bytes"`
	Linked   int64            `json:"linked_bytes"` // of which are shared with the cache, not copied
	Written  []string         `json:"written"`      // files to give to git
	Problems []string         `json:"problems"`
}

// Importer takes a repository of DVC over.
type Importer struct {
	repo   *repo.Repo
	origin *Origin
	reader *Reader
	revs   compare.Revisions
	runs   Runs
	clock  clock.Clock
	report progress.Reporter

	res   ImportResult
	store *store.Store
}

// Config is what an Importer is made of.
type Config struct {
	Repo   *repo.Repo // whose root is that of Origin
	Origin *Origin
	Revs   compare.Revisions
	Runs   Runs
	Clock  clock.Clock
	Report progress.Reporter
}

// NewImporter returns what takes a repository of DVC over.
func NewImporter(c Config) *Importer {
	return &Importer{
		repo: c.Repo, origin: c.Origin, reader: NewReader(c.Repo), revs: c.Revs, runs: c.Runs, clock: c.Clock, report: c.Report,
		res: emptyResult(c.Origin.Root, false),
	}
}

func emptyResult(root string, dry bool) ImportResult {
	return ImportResult{
		Root: root, DryRun: dry, Paths: []ImportedPath{}, Stages: []ImportedStage{}, Remotes: []ImportedRemote{},
		Written: []string{}, Problems: []string{},
	}
}

// Import takes everything over that is not yet. Each step is whole before the
// next begins, so that a command that was cut off is finished by the same one.
func (m *Importer) Import(ctx context.Context, q ImportRequest) (res ImportResult, err error) {
	files, err := m.origin.files(ctx)
	if err != nil {
		return m.res, err
	}
	if err := m.ignoreFile(); err != nil {
		return m.res, err
	}
	if m.store, err = m.repo.Store(ctx); err != nil {
		return m.res, err
	}
	release, err := m.store.Hold(ctx)
	if err != nil {
		return m.res, err
	}
	defer func() { err = errors.Join(err, release()) }()
	pointers, locks := m.read(files)
	outs := slices.Clone(pointers)
	for _, f := range locks {
		some, err := m.reader.lockOuts(f, true)
		if err != nil {
			return m.res, err
		}
		outs = append(outs, slices.DeleteFunc(some, func(w want) bool { return !w.Cache && w.Size > keepUncached })...)
	}
	m.reader.memo, m.reader.read = map[string]*repo.Object{}, map[string]string{}
	if err := m.bringAll(ctx, outs); err != nil {
		return m.res, err
	}
	if err := fault.At(ctx, "dvc.objects"); err != nil {
		return m.res, err
	}
	for _, step := range []func() error{
		func() error { return m.remotes(ctx) },
		func() error { return m.pointers(ctx, pointers) },
		func() error { return m.locks(ctx, locks) },
		func() error { return m.runCache(ctx) },
		func() error { return m.history(ctx, q) },
		func() error { return m.experiments(ctx) },
	} {
		if err := step(); err != nil {
			return m.res, err
		}
		if err := fault.At(ctx, "dvc.step"); err != nil {
			return m.res, err
		}
	}
	slices.Sort(m.res.Written)
	m.res.Written = slices.Compact(m.res.Written)
	return m.res, nil
}

func (m *Importer) read(files []repo.ForeignFile) (pointers []want, locks []repo.ForeignFile) {
	for _, f := range files {
		if path.Base(f.Path) == dvc.LockName {
			locks = append(locks, f)
			continue
		}
		some, err := pointerWants(f)
		if err != nil {
			m.problem(err)
			continue
		}
		pointers = append(pointers, some...)
	}
	return pointers, locks
}

// problem takes note of what cannot be taken over, once.
func (m *Importer) problem(err error) {
	if text := err.Error(); !slices.Contains(m.res.Problems, text) {
		m.res.Problems = append(m.res.Problems, text)
	}
}

// ignoreFile makes .mlopsignore say what .dvcignore says, where it is not there.
func (m *Importer) ignoreFile() error {
	text, err := os.ReadFile(m.repo.Path(dvc.IgnoreFile))
	if errors.Is(err, fs.ErrNotExist) || err == nil && !hasRules(text) {
		return nil
	}
	if err != nil {
		return err
	}
	ours := m.repo.Path(repo.IgnoreFile)
	if _, err := os.Lstat(ours); err == nil {
		return nil
	}
	m.res.Written = append(m.res.Written, repo.IgnoreFile)
	return fsx.WriteFile(ours, text, 0o644)
}

func hasRules(text []byte) bool {
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			return true
		}
	}
	return false
}

// keepUncached is the size in bytes up to which an out that git keeps is stored,
// too, so that the stage cache can restore it: as a run does.
const keepUncached = 1 << 20

// bringAll makes sure that the store has what wants name, as far as this machine
// has it: from the workspace where it stands and is small, so that the stat cache
// knows it, else from DVC's cache by links.
func (m *Importer) bringAll(ctx context.Context, wants []want) error {
	var save []string
	for _, w := range wants {
		if w.path == "" || w.Size/max(1, w.Files) >= store.LooseSize {
			continue
		}
		if _, err := os.Stat(m.repo.Path(w.path)); err == nil {
			save = append(save, w.path)
		}
	}
	m.save(ctx, save)
	if err := ctx.Err(); err != nil {
		return err
	}
	lacking, err := m.lacking(ctx, wants)
	if err != nil {
		return err
	}
	if err := m.bringSums(ctx, lacking); err != nil {
		return err
	}
	// What stands here may have what DVC does not see, such as executable bits.
	objects, err := m.reader.resolve(ctx, wants)
	if err != nil {
		return err
	}
	save = save[:0]
	for _, o := range objects {
		if o.here && !m.store.Has(o.ID) {
			save = append(save, o.Path)
		}
	}
	m.save(ctx, save)
	return ctx.Err()
}

// save stores what stands at paths, one by one where they do not go together.
func (m *Importer) save(ctx context.Context, paths []string) {
	if len(paths) == 0 {
		return
	}
	var mu sync.Mutex
	seen := func(p string, data []byte) {
		sum := md5.Sum(data) //nolint:gosec // DVC's names
		mu.Lock()
		m.reader.read[p] = hex.EncodeToString(sum[:])
		mu.Unlock()
	}
	found, err := m.reader.data.SaveSeen(ctx, paths, seen)
	if err == nil {
		m.reader.remember(paths, found)
	}
	if err == nil || ctx.Err() != nil {
		return
	}
	for _, p := range paths {
		if _, err := m.reader.data.Save(ctx, []string{p}); err != nil && ctx.Err() == nil {
			m.problem(err)
		}
	}
}

// lacking are the sums of wants that the store does not have wholly.
func (m *Importer) lacking(ctx context.Context, wants []want) ([]dvc.Sum, error) {
	objects, err := m.reader.resolve(ctx, wants)
	if err != nil {
		return nil, err
	}
	list := make([]repo.Object, 0, len(objects))
	at := map[oid.ID]dvc.Sum{}
	for i, o := range objects {
		list = append(list, o.Object)
		at[o.ID] = wants[i].Sum
	}
	absent, err := m.reader.data.Absent(ctx, list)
	if err != nil {
		return nil, err
	}
	var sums []dvc.Sum
	for _, o := range absent {
		sums = append(sums, at[o.ID])
	}
	return sums, nil
}

func (m *Importer) bringSums(ctx context.Context, list []dvc.Sum) error {
	if len(list) == 0 {
		return nil
	}
	task := m.report.Task("taking from DVC's cache", progress.Unknown, progress.Unknown)
	defer task.Done()
	b := &bringer{store: m.store, sums: m.reader.sums, caches: m.origin.cacheDirs(), task: task}
	_, problems, err := b.bring(ctx, list)
	for _, p := range problems {
		m.problem(p)
	}
	m.res.Objects += b.objects
	m.res.Bytes += b.bytes
	m.res.Linked += b.linked
	return err
}

// identify makes the ids of what entries read known, as far as DVC's cache has it.
// Nothing is stored: a decision needs no data.
func (m *Importer) identify(ctx context.Context, entries []entry) error {
	var wants []want
	var sums []dvc.Sum
	for _, e := range entries {
		for _, d := range e.dvc.Deps {
			if !d.Sum.IsZero() && !stagefile.IsExternal(d.Path) {
				wants = append(wants, want{path: path.Join(e.stage.Wdir, d.Path), Out: d})
			}
		}
	}
	objects, err := m.reader.resolve(ctx, wants)
	if err != nil {
		return err
	}
	for i, o := range objects {
		if !o.known {
			sums = append(sums, wants[i].Sum)
		}
	}
	if len(sums) == 0 {
		return nil
	}
	b := &bringer{store: m.store, sums: m.reader.sums, caches: m.origin.cacheDirs(), onlyIDs: true}
	_, problems, err := b.bring(ctx, sums)
	for _, p := range problems {
		m.problem(p)
	}
	return err
}

// The keys of a pointer that was made from a .dvc file.
const (
	noteDVC    = "dvc"    // DVC's sum of what was taken over last
	noteSource = "source" // of an import: see Source
)

// pointers writes a pointer for each path whose data is known.
func (m *Importer) pointers(ctx context.Context, wants []want) error {
	objects, err := m.reader.resolve(ctx, wants)
	if err != nil {
		return err
	}
	var ignored []string
	for i, w := range wants {
		o := objects[i]
		got := ImportedPath{Path: repo.Text(w.path), From: repo.Text(w.from), Sum: w.Sum.Hex, Size: o.Size, Files: o.Files, State: StateAbsent}
		absent, err := m.reader.data.Absent(ctx, []repo.Object{o.Object})
		if err != nil {
			return err
		}
		if o.known && len(absent) == 0 {
			got.ID = o.ID.String()
			if got.State, err = m.point(ctx, w, o.Object); err != nil {
				return err
			}
			ignored = append(ignored, w.path)
			if got.State == StateNew || got.State == StateUpdated {
				m.res.Written = append(m.res.Written, repo.PointerPath(w.path))
			}
		}
		m.res.Paths = append(m.res.Paths, got)
	}
	return m.repo.Ignore(ctx, ignored...)
}

// point writes one pointer, unless it says more than DVC's file.
func (m *Importer) point(ctx context.Context, w want, o repo.Object) (state string, err error) {
	pointer := repo.PointerPath(w.path)
	text, err := os.ReadFile(m.repo.Path(pointer))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("read pointer: %w", err)
	}
	state = StateNew
	if err == nil {
		old, err := repo.ParsePointer(pointer, text)
		if err != nil {
			return "", err
		}
		var last struct {
			DVC string `yaml:"dvc"`
		}
		if err := repo.Notes(text, &last); err != nil {
			return "", err
		}
		switch {
		case old.ID == o.ID, last.DVC == w.Sum.Hex:
			return StateSame, nil // what DVC has was taken over, or ours moved on since
		case last.DVC == "":
			return StateConflict, nil
		default:
			last := []dvc.Sum{{Algorithm: dvc.MD5, Hex: last.DVC}, {Algorithm: dvc.Legacy, Hex: last.DVC}}
			known, err := m.reader.sums.bySum(ctx, last)
			if err != nil {
				return "", err
			}
			was := slices.Concat(known[last[0]], known[last[1]])
			if len(was) == 0 { // taken over on another machine: DVC's cache may know it
				if was, err = m.recall(ctx, last); err != nil {
					return "", err
				}
			}
			if !slices.ContainsFunc(was, func(a alias) bool { return a.id == old.ID }) {
				return StateConflict, nil
			}
			state = StateUpdated
		}
	}
	notes := []repo.Note{{Key: noteDVC, Value: w.Sum.Hex}}
	if src := m.sourceOf(w.from); src != nil {
		notes = append(notes, repo.Note{Key: noteSource, Value: src})
	}
	return state, m.repo.WritePointer(o, notes...)
}

// recall makes the ids known that belonged to sums when somebody else took them
// over.
func (m *Importer) recall(ctx context.Context, last []dvc.Sum) ([]alias, error) {
	if err := m.bringSums(ctx, last); err != nil {
		return nil, err
	}
	known, err := m.reader.sums.bySum(ctx, last)
	return slices.Concat(known[last[0]], known[last[1]]), err
}

// sourceOf is where an import of DVC is from, nil for what was added.
func (m *Importer) sourceOf(file string) *Source {
	text, err := os.ReadFile(m.repo.Path(file))
	if err != nil {
		return nil
	}
	p, err := dvc.ParsePointer(file, text)
	if err != nil || p.Source == nil {
		return nil
	}
	s := p.Source
	if s.Path == "" {
		return &Source{URL: s.URL, Etag: s.Etag}
	}
	return &Source{Repo: s.URL, Path: s.Path, Rev: s.Rev, Commit: s.RevLock}
}

// locks writes the records whose inputs and outputs are all known.
func (m *Importer) locks(ctx context.Context, files []repo.ForeignFile) error {
	for _, f := range files {
		parsed, err := dvc.ParseLock(f.Path, f.Text)
		if err != nil {
			m.problem(err)
			continue
		}
		dir := path.Dir(f.Path)
		stages := m.reader.stages(dir)
		var todo []entry
		for _, s := range parsed.Stages {
			if declared := stages[s.Name]; declared != nil {
				todo = append(todo, entry{declared, s})
			}
		}
		done, err := m.records(ctx, todo, f.Path)
		if err != nil {
			return err
		}
		lock, err := m.repo.ReadLock(dir)
		if err != nil {
			return err
		}
		fresh := done[:0:0]
		for _, e := range todo {
			i := slices.IndexFunc(done, func(r stagefile.Record) bool { return r.Stage == e.stage.Name })
			state := StateAbsent
			if _, had := lock.Stage(e.stage.Name); had {
				state = StateSame
			} else if i >= 0 {
				state = StateNew
				fresh = append(fresh, done[i])
			}
			m.res.Stages = append(m.res.Stages, ImportedStage{Lock: repo.Text(f.Path), Stage: e.stage.Name, State: state})
		}
		if err := m.writeRecords(ctx, dir, fresh); err != nil {
			return err
		}
		if _, err := m.remember(ctx, done); err != nil {
			return err
		}
	}
	return nil
}

// records translates entries and keeps those that are wholly known, and whose
// outs are in the store.
func (m *Importer) records(ctx context.Context, entries []entry, from string) ([]stagefile.Record, error) {
	if err := m.identify(ctx, entries); err != nil {
		return nil, err
	}
	all, err := m.reader.translate(ctx, entries, from)
	if err != nil {
		return nil, err
	}
	var whole []stagefile.Record
	for i, r := range all {
		if r = pipeline.Completed(entries[i].stage, r); r.Fingerprint == "" || unknown(entries[i], r) {
			continue
		}
		var outs []repo.Object
		for _, a := range r.Outs {
			if !a.NoCache {
				outs = append(outs, repo.FromAsset(a))
			}
		}
		absent, err := m.reader.data.Absent(ctx, outs)
		if err != nil {
			return nil, err
		}
		if len(absent) == 0 {
			whole = append(whole, r)
		}
	}
	return whole, nil
}

// unknown reports whether an id in a record is made up of DVC's sum, or of
// nothing.
func unknown(e entry, r stagefile.Record) bool {
	made := map[oid.ID]bool{}
	for _, o := range slices.Concat(e.dvc.Deps, e.dvc.Outs) {
		made[placeholder(o.Sum)] = true
	}
	return slices.ContainsFunc(slices.Concat(r.Deps, r.Outs), func(a stagefile.Asset) bool { return made[a.ID] })
}

func (m *Importer) writeRecords(ctx context.Context, dir string, records []stagefile.Record) error {
	if len(records) == 0 {
		return nil
	}
	m.res.Written = append(m.res.Written, path.Join(dir, stagefile.LockName))
	return m.repo.UpdateLock(ctx, dir, func(l *stagefile.Lock) {
		for _, r := range records {
			if _, had := l.Stage(r.Stage); !had {
				l.Set(r)
			}
		}
	})
}

// remember puts records into the stage cache and says how many were new.
func (m *Importer) remember(ctx context.Context, records []stagefile.Record) (int, error) {
	if len(records) == 0 {
		return 0, nil
	}
	index, err := m.repo.Index(ctx)
	if err != nil {
		return 0, err
	}
	entries := make([]transfer.StageEntry, len(records))
	for i, r := range records {
		lock := stagefile.NewLock()
		lock.Set(r)
		entries[i] = transfer.StageEntry{Fingerprint: r.Fingerprint, Record: string(lock.Encode())}
	}
	return pipeline.NewSharedCache(index, m.clock).Learn(ctx, entries)
}

// runCache takes over what DVC remembers of earlier runs of the stages that are
// declared today.
func (m *Importer) runCache(ctx context.Context) error {
	names, err := m.repo.PipelineFiles(ctx)
	if err != nil {
		return err
	}
	var stages []*stagefile.Stage
	for _, name := range names {
		for _, s := range m.reader.stages(path.Dir(name)) {
			stages = append(stages, s)
		}
	}
	if len(stages) == 0 {
		return nil
	}
	var entries []entry
	for _, dir := range m.origin.cacheDirs() {
		files, err := filepath.Glob(filepath.Join(dir, "runs", "*", "*", "*"))
		if err != nil {
			return err
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				continue // a directory, or gone
			}
			theirs, err := dvc.ParseStage(file, text)
			if err != nil {
				m.problem(err)
				continue
			}
			for _, s := range stages {
				if sameStage(s, theirs) {
					entries = append(entries, entry{s, theirs})
				}
			}
		}
	}
	var outs []want
	for _, e := range entries {
		for _, o := range e.dvc.Outs {
			if !o.Sum.IsZero() {
				outs = append(outs, want{Out: o})
			}
		}
	}
	lacking, err := m.lacking(ctx, outs)
	if err != nil {
		return err
	}
	if err := m.bringSums(ctx, lacking); err != nil {
		return err
	}
	records, err := m.records(ctx, entries, "run cache")
	if err != nil {
		return err
	}
	m.res.Cached, err = m.remember(ctx, records)
	return err
}

// sameStage reports whether an entry of the run cache can be of a stage: it has
// the same outs.
func sameStage(s *stagefile.Stage, theirs dvc.Stage) bool {
	if len(s.Outs) != len(theirs.Outs) {
		return false
	}
	for _, o := range theirs.Outs {
		at := path.Join(s.Wdir, o.Path)
		if !slices.ContainsFunc(s.Outs, func(d stagefile.Out) bool { return d.Path == at }) {
			return false
		}
	}
	return true
}
