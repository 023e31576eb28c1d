package migrate

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/mlops-cli/mlops/pkg/dvc"
	"github.com/mlops-cli/mlops/pkg/repo"
)

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
