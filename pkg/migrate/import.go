package migrate

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/mlops-cli/mlops/pkg/clock"
	"github.com/mlops-cli/mlops/pkg/compare"
	"github.com/mlops-cli/mlops/pkg/dvc"
	"github.com/mlops-cli/mlops/pkg/fault"
	"github.com/mlops-cli/mlops/pkg/fsx"
	"github.com/mlops-cli/mlops/pkg/progress"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/store"
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

	Read bool `json:"-"` // mlops pull fetches DVC's data from it
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
	past  past
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
		func() error { return m.history(ctx, q) },
		func() error { return m.runCache(ctx) },
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
