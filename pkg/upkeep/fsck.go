package upkeep

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/progress"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/store"
	"github.com/mlops-cli/mlops/pkg/tree"
)

// Finding is one thing that is wrong.
type Finding struct {
	// Kind is "damaged" (bytes are not what their name says), "missing" (a root
	// needs an object that the store does not have) or "database".
	Kind   string `json:"kind"`
	Path   string `json:"path"`             // the damaged file, or where the missing object belongs
	By     string `json:"by,omitempty"`     // who needs the missing object
	Object string `json:"object,omitempty"` // hex id
	Detail string `json:"detail"`
}

// FsckResult is what Fsck found.
type FsckResult struct {
	OK      bool  `json:"ok"`
	Objects int64 `json:"objects"` // verified
	Bytes   int64 `json:"bytes"`
	// NotHere counts paths that are named but neither in the workspace nor in the
	// store, as in a fresh clone.
	NotHere  int64     `json:"not_here"`
	Findings []Finding `json:"findings"`
}

// Fsck verifies every object of the store and the databases, and that all
// objects of files in the workspace are there. What is not in the workspace, or
// what only older commits name, may be missing: it can be on a remote. When
// something is wrong, it is forgotten which files are in the store.
func (u *Upkeep) Fsck(ctx context.Context, report progress.Reporter) (FsckResult, error) {
	res := FsckResult{Findings: []Finding{}}
	s, err := u.repo.Store(ctx)
	if err != nil {
		return res, err
	}
	bad := make(map[oid.ID]bool)
	count := &counter{Reporter: report, res: &res}
	err = s.Verify(ctx, count, func(p store.Problem) {
		f := Finding{Kind: "damaged", Path: u.shown(p.Path), Detail: p.Err.Error()}
		if !p.Object.IsZero() {
			f.Object = p.Object.String()
			bad[p.Object] = true
		}
		res.Findings = append(res.Findings, f)
	})
	if err != nil {
		return res, err
	}
	if err := u.checkRoots(ctx, s, bad, &res); err != nil {
		return res, err
	}
	if err := u.checkDatabase(ctx, &res); err != nil {
		return res, err
	}
	res.OK = len(res.Findings) == 0
	if !res.OK {
		// What was saved once may be gone: add has to look, so that it can store it again.
		return res, u.repo.ForgetSaved(ctx)
	}
	return res, nil
}

// shown is path as people know it: relative to the root.
func (u *Upkeep) shown(path string) string {
	if rel, err := filepath.Rel(u.repo.Root, path); err == nil {
		return filepath.ToSlash(rel)
	}
	return path
}

func (u *Upkeep) checkRoots(ctx context.Context, s *store.Store, bad map[oid.ID]bool, res *FsckResult) error {
	c := &checker{repo: u.repo, store: s, bad: bad, whole: make(map[oid.ID]bool), res: res, told: make(map[string]bool)}
	check := func(r Root) error {
		if !r.Kept {
			return nil
		}
		c.only = r.Only
		_, err := c.check(ctx, r.By, r.Path, tree.Entry{Kind: r.Kind, ID: r.ID})
		return err
	}
	if err := u.workspaceRoots(ctx, check); err != nil {
		return err
	}
	for _, source := range u.sources {
		if err := source.Roots(ctx, check); err != nil {
			return err
		}
	}
	return nil
}

// checker looks for objects that are missing below roots.
type checker struct {
	repo  *repo.Repo
	store *store.Store
	bad   map[oid.ID]bool
	whole map[oid.ID]bool // directories that were found whole
	told  map[string]bool // path and id, so that two roots do not say it twice
	res   *FsckResult
	only  bool // of the root that is looked at
}

func (c *checker) check(ctx context.Context, by, path string, e tree.Entry) (bool, error) {
	if e.Kind != tree.Dir {
		switch {
		case c.bad[e.ID]:
			c.find(by, path, e.ID, "its object is damaged")
		case !c.store.Has(e.ID):
			c.miss(by, path, e.ID)
		default:
			return true, nil
		}
		return false, nil
	}
	if c.whole[e.ID] {
		return true, nil
	}
	whole := true
	err := tree.List(ctx, c.store, e.ID, func(child tree.Entry) error {
		ok, err := c.check(ctx, by, path+"/"+child.Name, child)
		whole = whole && ok
		return err
	})
	if errs.Is(err, errs.NotFound) {
		c.miss(by, path, e.ID)
		return false, nil
	}
	if errs.Is(err, errs.Corrupt) {
		c.find(by, path, e.ID, err.Error())
		return false, nil
	}
	c.whole[e.ID] = whole
	return whole, err
}

// miss notes an object that is not in the store: a fault where the workspace
// has the path, since then it was added or fetched here, and where nobody else
// can have it.
func (c *checker) miss(by, path string, id oid.ID) {
	if _, err := os.Lstat(c.repo.Path(path)); err == nil || c.only {
		c.find(by, path, id, "its object is not in the store")
	} else if c.first(path, id) {
		c.res.NotHere++
	}
}

// first reports whether path and id come up for the first time.
func (c *checker) first(path string, id oid.ID) bool {
	key := path + "\x00" + id.String()
	seen := c.told[key]
	c.told[key] = true
	return !seen
}

func (c *checker) find(by, path string, id oid.ID, detail string) {
	if !c.first(path, id) {
		return
	}
	c.res.Findings = append(c.res.Findings, Finding{Kind: "missing", Path: path, By: by, Object: id.String(), Detail: detail})
}

func (u *Upkeep) checkDatabase(ctx context.Context, res *FsckResult) error {
	index, err := u.repo.Index(ctx)
	if errs.Is(err, errs.Corrupt) {
		res.Findings = append(res.Findings, Finding{Kind: "database", Path: ".mlops/index.db", Detail: err.Error()})
		return nil
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	lines, err := index.Check(ctx)
	if err != nil {
		return err
	}
	for _, line := range lines {
		res.Findings = append(res.Findings, Finding{Kind: "database", Path: ".mlops/index.db", Detail: line})
	}
	return nil
}

// counter adds up what the task it stands for is told.
type counter struct {
	progress.Reporter
	res *FsckResult
}

func (c *counter) Task(label string, files, bytes int64) progress.Task {
	return &countingTask{c.Reporter.Task(label, files, bytes), c.res}
}

type countingTask struct {
	progress.Task
	res *FsckResult
}

// Add is called from one goroutine: Verify reads one file after the other.
func (t *countingTask) Add(files, bytes int64) {
	t.res.Objects += files
	t.res.Bytes += bytes
	t.Task.Add(files, bytes)
}
