package reproduce

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/track"
	"github.com/mlops-cli/mlops/pkg/tree"
)

// Difference is what differs between two runs.
type Difference struct {
	Old     Side         `json:"old"`
	New     Side         `json:"new"`
	Params  []ParamDiff  `json:"params"`
	Metrics []MetricDiff `json:"metrics"`
	Code    CodeDiff     `json:"code"`
	Data    []FileDiff   `json:"data"`
	Totals  DataTotals   `json:"data_totals"`
}

// Side is one of the two runs.
type Side struct {
	RunID  string       `json:"run_id"`
	Name   string       `json:"name"`
	Status track.Status `json:"status"`
	Commit string       `json:"commit,omitempty"`
	Dirty  bool         `json:"dirty,omitempty"`
}

// ParamDiff is a param that differs; nil where there is none.
type ParamDiff struct {
	Key string  `json:"key"`
	Old *string `json:"old"`
	New *string `json:"new"`
}

// MetricDiff is a metric whose last value differs.
type MetricDiff struct {
	Key  string       `json:"key"`
	Old  *track.Value `json:"old"`
	New  *track.Value `json:"new"`
	Diff *track.Value `json:"diff"` // new less old; null where one is missing
}

// CodeDiff is what differs in git. Known is false when the code of one of the
// runs cannot be brought back; Why says why.
type CodeDiff struct {
	Known bool       `json:"known"`
	Why   string     `json:"why,omitempty"`
	Files []CodeFile `json:"files"`
	Patch string     `json:"patch,omitempty"`
}

// CodeFile counts the lines of a file that differ; -1 for a binary file.
type CodeFile struct {
	Path    string `json:"path"`
	Added   int    `json:"added"`
	Removed int    `json:"removed"`
}

// FileDiff is a file of the data that differs, or a directory whose content is
// not known on this machine.
type FileDiff struct {
	Path   string     `json:"path"`
	Role   track.Role `json:"role"`
	Change string     `json:"change"` // added, modified or deleted
	Old    *Content   `json:"old"`
	New    *Content   `json:"new"`
}

// Content is what stands at a path in one run.
type Content struct {
	ID    oid.ID `json:"id"`
	Size  int64  `json:"size"`
	Files int64  `json:"files"`
}

// DataTotals counts the files that differ.
type DataTotals struct {
	Added    int   `json:"added"`
	Modified int   `json:"modified"`
	Deleted  int   `json:"deleted"`
	Bytes    int64 `json:"bytes"` // the new size less the old
}

// Diff compares two runs, with the text of the changes of the code if patch is
// set.
func (p *Reproducer) Diff(ctx context.Context, a, b *track.Run, patch bool) (Difference, error) {
	d := Difference{Old: side(a), New: side(b), Params: diffParams(a, b), Metrics: diffMetrics(a, b)}
	var err error
	if d.Code, err = p.diffCode(ctx, a, b, patch); err != nil {
		return d, err
	}
	d.Data, err = p.diffData(ctx, a, b)
	d.Data = slices.DeleteFunc(d.Data, func(f FileDiff) bool { // said as code already
		return slices.ContainsFunc(d.Code.Files, func(c CodeFile) bool { return c.Path == f.Path || strings.HasPrefix(c.Path, f.Path+"/") })
	})
	for _, f := range d.Data {
		switch f.Change {
		case "added":
			d.Totals.Added++
		case "deleted":
			d.Totals.Deleted++
		default:
			d.Totals.Modified++
		}
		if f.New != nil {
			d.Totals.Bytes += f.New.Size
		}
		if f.Old != nil {
			d.Totals.Bytes -= f.Old.Size
		}
	}
	return d, err
}

func side(r *track.Run) Side {
	return Side{RunID: r.ID, Name: r.Name, Status: r.Status, Commit: r.Git.Commit, Dirty: r.Git.Dirty}
}

// merge calls fn for each key of two lists that are sorted by it, with the
// items that have it.
func merge[T any](a, b []T, key func(*T) string, fn func(key string, a, b *T)) {
	for len(a)+len(b) > 0 {
		var x, y *T
		switch {
		case len(b) == 0 || len(a) > 0 && key(&a[0]) < key(&b[0]):
			x, a = &a[0], a[1:]
		case len(a) == 0 || key(&b[0]) < key(&a[0]):
			y, b = &b[0], b[1:]
		default:
			x, y, a, b = &a[0], &b[0], a[1:], b[1:]
		}
		if x != nil {
			fn(key(x), x, y)
		} else {
			fn(key(y), x, y)
		}
	}
}

func diffParams(a, b *track.Run) []ParamDiff {
	list := []ParamDiff{}
	merge(a.Params, b.Params, func(p *track.Param) string { return p.Key }, func(key string, x, y *track.Param) {
		d := ParamDiff{Key: key}
		if x != nil {
			d.Old = &x.Value
		}
		if y != nil {
			d.New = &y.Value
		}
		if d.Old == nil || d.New == nil || *d.Old != *d.New {
			list = append(list, d)
		}
	})
	return list
}

func diffMetrics(a, b *track.Run) []MetricDiff {
	list := []MetricDiff{}
	merge(a.Metrics, b.Metrics, func(m *track.Summary) string { return m.Key }, func(key string, x, y *track.Summary) {
		d := MetricDiff{Key: key}
		if x != nil {
			d.Old = &x.Value
		}
		if y != nil {
			d.New = &y.Value
		}
		if d.Old != nil && d.New != nil {
			if *d.Old == *d.New || math.IsNaN(float64(*d.Old)) && math.IsNaN(float64(*d.New)) {
				return
			}
			change := *d.New - *d.Old
			d.Diff = &change
		}
		list = append(list, d)
	})
	return list
}

func (p *Reproducer) diffCode(ctx context.Context, a, b *track.Run, patch bool) (CodeDiff, error) {
	d := CodeDiff{Files: []CodeFile{}}
	git := p.repo.Git()
	if !git.Exists() {
		d.Why = "there is no git repository"
		return d, nil
	}
	var trees []string
	for _, run := range []*track.Run{a, b} {
		k, err := p.kept(ctx, run)
		var t string
		if err == nil {
			t, err = p.tree(ctx, run, k)
		}
		if errs.Is(err, errs.NotFound) || errs.Is(err, errs.Conflict) {
			d.Why = err.Error()
			return d, nil
		}
		if err != nil {
			return d, err
		}
		if lacksChanges(run) && d.Why == "" {
			d.Why = "run " + run.Name + " had uncommitted changes that it did not keep"
		}
		trees = append(trees, t)
	}
	d.Known = true
	stats, err := git.CodeStat(ctx, trees[0], trees[1])
	if err != nil {
		return d, err
	}
	for _, s := range stats {
		d.Files = append(d.Files, CodeFile{s.Path, s.Added, s.Removed})
	}
	if patch && len(stats) > 0 {
		d.Patch, err = git.CodePatch(ctx, trees[0], trees[1])
	}
	return d, err
}

// diffData compares what the runs read, wrote and kept, file by file.
func (p *Reproducer) diffData(ctx context.Context, a, b *track.Run) ([]FileDiff, error) {
	list := []FileDiff{}
	var failed error
	merge(data(a), data(b), func(x *track.Asset) string { return string(x.Role) + "\x00" + x.Path }, func(_ string, x, y *track.Asset) {
		if failed != nil || x != nil && y != nil && x.ID == y.ID && x.Kind == y.Kind {
			return
		}
		var files []FileDiff
		files, failed = p.diffAsset(ctx, x, y)
		list = append(list, files...)
	})
	return list, failed
}

// data is the assets of a run by role and path, without those that are code.
func data(r *track.Run) []track.Asset {
	list := slices.DeleteFunc(slices.Clone(r.Assets), track.Asset.Source)
	slices.SortFunc(list, func(x, y track.Asset) int {
		return cmp.Or(cmp.Compare(x.Role, y.Role), cmp.Compare(x.Path, y.Path))
	})
	return list
}

func (p *Reproducer) diffAsset(ctx context.Context, x, y *track.Asset) ([]FileDiff, error) {
	whole := FileDiff{Change: "modified"}
	isDir := true
	var from, to oid.ID
	if x == nil {
		whole.Change = "added"
	} else {
		whole.Path, whole.Role, whole.Old = x.Path, x.Role, &Content{x.ID, x.Size, x.Files}
		isDir, from = isDir && x.Kind == tree.Dir.String(), x.ID
	}
	if y == nil {
		whole.Change = "deleted"
	} else {
		whole.Path, whole.Role, whole.New = y.Path, y.Role, &Content{y.ID, y.Size, y.Files}
		isDir, to = isDir && y.Kind == tree.Dir.String(), y.ID
	}
	if !isDir {
		return []FileDiff{whole}, nil
	}
	st, err := p.repo.Store(ctx)
	if err != nil {
		return nil, err
	}
	var list []FileDiff
	err = tree.Diff(ctx, st, from, to, func(c tree.Change) error {
		f := FileDiff{Path: whole.Path + "/" + c.Path, Role: whole.Role, Change: "modified", Old: content(c.Old), New: content(c.New)}
		switch {
		case c.Old == nil:
			f.Change = "added"
		case c.New == nil:
			f.Change = "deleted"
		}
		list = append(list, f)
		return nil
	})
	if errs.Is(err, errs.NotFound) {
		return []FileDiff{whole}, nil // its listing is not on this machine
	}
	return list, err
}

func content(e *tree.Entry) *Content {
	if e == nil {
		return nil
	}
	return &Content{e.ID, e.Size, e.Files}
}
