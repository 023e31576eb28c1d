package pipeline

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/mlops-cli/mlops/pkg/stagefile"
)

// settle sees, under the claim on a stage, whether the decision still holds:
// another run may have worked on the stage meanwhile, or have been killed over
// it. It reports whether there is still something to do.
func (s *scheduler) settle(ctx context.Context, j *job) (goes bool, err error) {
	place := s.claims.place(j.step.Name)
	left := j.claim.left
	if err := s.claims.end(left); err != nil {
		return false, err
	}
	changed, err := s.decider.view.foreign(j.step.stage)
	if err != nil {
		return false, err
	}
	filled, err := s.fill(ctx, &j.step)
	if err != nil {
		return false, err
	}
	if j.step.err != nil {
		return false, s.unclaim(ctx, j)
	}
	if j.by == "" && !changed && !filled && (left == nil || left.Failed) {
		if known, err := s.madeMeanwhile(ctx, j); err != nil || !known {
			return err == nil, err
		}
	}
	delete(s.decider.marks, place)
	if left != nil {
		s.decider.marks[place] = mark{text: left}
	}
	before := j.step.Fingerprint
	if err := s.lookAgain(ctx, j); err != nil {
		return false, err
	}
	if left != nil && !s.request.Force {
		if err := s.decider.adopt(ctx, &j.step, left); err != nil {
			return false, err
		}
	}
	switch {
	case j.step.Action == Skip:
		delete(s.decider.marks, place)
		if j.by != "" && len(j.step.Reasons) == 0 {
			j.step.Reasons = []string{fmt.Sprintf("run %s saw to it meanwhile", j.by)}
		}
		err := j.claim.release()
		j.claim = nil
		s.skip(j.step, "")
		return false, err
	case j.step.err != nil, j.step.Fingerprint != before:
		return false, s.unclaim(ctx, j) // the inputs are others now: the claim must be for them
	}
	return true, nil
}

// unclaim gives the claim on a stage back and admits the job anew.
func (s *scheduler) unclaim(ctx context.Context, j *job) error {
	err := j.claim.restore()
	if j.claim = nil; err != nil {
		return err
	}
	j.by = ""
	return s.admit(ctx, j)
}

// madeMeanwhile reports whether a copy of the workspace recorded what the stage
// would make between the decision and the claim.
func (s *scheduler) madeMeanwhile(ctx context.Context, j *job) (bool, error) {
	if !j.claim.shared {
		return false, nil
	}
	_, known, err := s.decider.cache.find(ctx, j.step.Fingerprint)
	return known, err
}

// lookAgain decides anew, from what is on disk now.
func (s *scheduler) lookAgain(ctx context.Context, j *job) error {
	if err := s.look(ctx, j.step.stage); err != nil {
		return err
	}
	var err error
	j.step, err = s.decider.decide(ctx, j.step.stage)
	return err
}

// look hashes what a stage reads and writes.
func (s *scheduler) look(ctx context.Context, stage *stagefile.Stage) error {
	v := s.decider.view
	delete(v.rewritten, recordKey{stage.Lock(), stage.Name})
	var paths []string
	for _, p := range slices.Concat(inputPaths(stage), outPaths(stage)) {
		if !outside(p) {
			paths = append(paths, p)
		}
		delete(v.params, p)
	}
	found, err := v.data.Hash(ctx, paths)
	if err != nil {
		return err
	}
	for _, p := range paths {
		delete(v.assets, p)
		if a, ok := found[p]; ok {
			v.assets[p] = a
		}
	}
	return nil
}

// adopt makes the step a restore when the run that left the claim had saved
// the outputs, and was killed before it recorded them.
func (d *decider) adopt(ctx context.Context, step *Step, left *claimText) error {
	r, ok := left.record()
	if !ok || step.Action != Run || step.err != nil || r.Fingerprint != step.Fingerprint || len(r.Outs) != len(step.stage.Outs) {
		return nil //nolint:nilerr // a step that cannot run adopts nothing
	}
	there := true
	for _, o := range r.Outs {
		on, onDisk := d.view.assets[o.Path]
		there = there && onDisk && on.ID == o.ID && on.Kind == o.Kind
	}
	if there {
		step.Action, step.record.Outs, step.needed = Restore, r.Outs, nil
	} else if ok, err := d.restorable(ctx, step, r.Outs); err != nil || !ok {
		return err
	}
	step.Reasons = []string{fmt.Sprintf("run %s had finished it when it was killed", left.Run)}
	return nil
}

// fileState tells whether a file was replaced.
type fileState struct{ info fs.FileInfo }

func stateOf(name string) fileState {
	info, err := os.Stat(name)
	if err != nil {
		return fileState{}
	}
	return fileState{info}
}

func (a fileState) same(b fileState) bool {
	if a.info == nil || b.info == nil {
		return a.info == nil && b.info == nil
	}
	return os.SameFile(a.info, b.info) && a.info.Size() == b.info.Size() && a.info.ModTime().Equal(b.info.ModTime())
}

// lockStates are those of the files of locks when their content was last known.
// They are for many goroutines.
type lockStates struct {
	root  string
	mu    sync.Mutex
	known map[string]fileState
}

// read notes that the content of a lock is known as it is now, and returns that.
func (l *lockStates) read(file string) fileState {
	state := l.now(file)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.known[file] = state
	return state
}

// changed reports whether a lock was written since by somebody else.
func (l *lockStates) changed(file string) bool {
	state := l.now(file)
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.known[file].same(state)
}

func (l *lockStates) now(file string) fileState {
	return stateOf(filepath.Join(l.root, filepath.FromSlash(file)))
}

// foreign reads the lock again when it was written since, and reports whether
// the record of the stage is another one than before: another run worked on it,
// and what is known of its files is out of date.
func (v *view) foreign(s *stagefile.Stage) (bool, error) {
	file := s.Lock()
	if v.lockStates.changed(file) {
		old, err := v.lock(file)
		if err != nil {
			return false, err
		}
		delete(v.locks, file)
		now, err := v.lock(file)
		if err != nil {
			return false, err
		}
		for _, is := range now.Records() {
			was, _ := old.Stage(is.Stage)
			if was.Fingerprint != is.Fingerprint || was.Doubled != is.Doubled || !slices.Equal(was.Outs, is.Outs) {
				v.rewritten[recordKey{file, is.Stage}] = true
			}
		}
	}
	return v.rewritten[recordKey{file, s.Name}], nil
}

// recordKey names a record of a lock.
type recordKey struct{ lock, stage string }

// noteMark adds what the claim on a stage says to the reasons of a step.
func (d *decider) noteMark(step *Step) {
	m, ok := d.marks[d.claims.place(step.Name)]
	switch {
	case !ok || step.Action == Skip:
	case m.held:
		step.Reasons = append(step.Reasons, fmt.Sprintf("run %s works on it now", m.text.Run))
	case !m.text.Failed:
		step.Reasons = append(step.Reasons, fmt.Sprintf("run %s was killed while it worked on it", m.text.Run))
	}
}

// halfWritten says which input of a stage its own stage left half-written.
func (d *decider) halfWritten(s *stagefile.Stage) (input string, by *claimText) {
	if len(d.marks) == 0 || d.force {
		return "", nil
	}
	for _, in := range inputPaths(s) {
		maker, made := d.project.Producer(in)
		if !made || d.chosen[maker] {
			continue
		}
		if m, ok := d.marks[d.claims.place(maker)]; ok && !m.held {
			return in, m.text
		}
	}
	return "", nil
}
