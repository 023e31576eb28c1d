package watch

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	quiet    = 100 * time.Millisecond // without events ends a change
	longest  = 2 * time.Second        // a change that does not come to rest is told anyway
	pollTime = 2 * time.Second        // between looks where the system cannot watch
	maxDirs  = 20000
)

// Set is what a Watcher watches. All paths are absolute.
type Set struct {
	Paths  []string               // files, or directories with all below; what is not there yet too
	Flat   []string               // directories with the files in them
	Ignore func(path string) bool // never tell of these, nor enter them; nil: none
}

// Watcher watches one Set at a time.
type Watcher struct {
	notify *fsnotify.Watcher // nil: the system cannot watch
	poll   time.Duration

	mu      sync.Mutex
	set     Set
	dirs    map[string]bool
	blind   bool // not all of the set could be watched
	changed map[string]bool
	wake    chan struct{}
}

// New returns a Watcher that watches nothing yet.
func New() *Watcher {
	w := &Watcher{dirs: map[string]bool{}, changed: map[string]bool{}, wake: make(chan struct{}, 1), poll: pollTime}
	notify, err := fsnotify.NewWatcher()
	if err != nil {
		w.blind = true
		return w
	}
	w.notify = notify
	go w.listen()
	return w
}

// Close ends watching.
func (w *Watcher) Close() error {
	if w.notify == nil {
		return nil
	}
	return w.notify.Close()
}

// Watch replaces what is watched. Changes that were noticed stay noticed.
func (w *Watcher) Watch(s Set) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.set = s
	if w.notify == nil {
		return nil
	}
	w.blind = false
	want := map[string]bool{}
	for _, p := range s.Flat {
		want[filepath.Clean(p)] = true
	}
	for _, p := range s.Paths {
		if err := w.around(p, want); err != nil {
			return err
		}
	}
	for dir := range w.dirs {
		if !want[dir] {
			if err := w.notify.Remove(dir); err != nil && !errors.Is(err, fsnotify.ErrNonExistentWatch) {
				return fmt.Errorf("end watching %s: %w", dir, err)
			}
			delete(w.dirs, dir)
		}
	}
	for dir := range want {
		w.add(dir)
	}
	return nil
}

// Blind reports whether not all of the set can be watched, so that Wait asks to
// look now and then.
func (w *Watcher) Blind() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.blind
}

// around gathers the directories to watch for p: the nearest one above that is
// there, and all below.
func (w *Watcher) around(p string, want map[string]bool) error {
	p = filepath.Clean(p)
	for at := filepath.Dir(p); ; at = filepath.Dir(at) {
		if info, err := os.Stat(at); err == nil && info.IsDir() {
			want[at] = true
			break
		}
		if at == filepath.Dir(at) {
			break
		}
	}
	return w.below(p, want)
}

func (w *Watcher) below(p string, want map[string]bool) error {
	err := filepath.WalkDir(p, func(at string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
				return nil // it is not there yet, or any more
			}
			return err
		case !d.IsDir():
			return nil
		case w.ignores(at):
			return fs.SkipDir
		case len(want) >= maxDirs:
			w.blind = true
			return fs.SkipAll
		}
		want[at] = true
		return nil
	})
	if err != nil {
		return fmt.Errorf("watch %s: %w", p, err)
	}
	return nil
}

func (w *Watcher) ignores(p string) bool { return w.set.Ignore != nil && w.set.Ignore(p) }

// add watches a directory. One that cannot be watched makes the watcher blind.
func (w *Watcher) add(dir string) {
	if w.dirs[dir] {
		return
	}
	if err := w.notify.Add(dir); err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			w.blind = true
		}
		return
	}
	w.dirs[dir] = true
}

func (w *Watcher) listen() {
	for {
		select {
		case e, ok := <-w.notify.Events:
			if !ok {
				return
			}
			w.event(e)
		case _, ok := <-w.notify.Errors:
			if !ok {
				return
			}
			w.note("") // events were lost: somebody should look
		}
	}
}

func (w *Watcher) event(e fsnotify.Event) {
	if e.Op == fsnotify.Chmod {
		return
	}
	w.mu.Lock()
	wanted := w.wanted(e.Name)
	if wanted && e.Has(fsnotify.Create) {
		more := map[string]bool{}
		if err := w.below(e.Name, more); err != nil {
			w.blind = true
		}
		for dir := range more {
			w.add(dir)
		}
	}
	if e.Has(fsnotify.Remove) || e.Has(fsnotify.Rename) {
		delete(w.dirs, e.Name) // the system has dropped it
	}
	w.mu.Unlock()
	if wanted {
		w.note(e.Name)
	}
}

// wanted reports whether a change at p is one of the set: p is in it, below it,
// or above it.
func (w *Watcher) wanted(p string) bool {
	if w.ignores(p) || temporary(filepath.Base(p)) {
		return false
	}
	if slices.Contains(w.set.Flat, filepath.Dir(p)) {
		return true
	}
	return slices.ContainsFunc(w.set.Paths, func(want string) bool {
		return p == want || strings.HasPrefix(p, want+string(filepath.Separator)) || strings.HasPrefix(want, p+string(filepath.Separator))
	})
}

// temporary reports whether a file is one that editors keep for a moment.
func temporary(name string) bool {
	switch {
	case strings.HasSuffix(name, "~"), strings.HasPrefix(name, ".#"), name == "4913", name == ".DS_Store":
		return true
	case strings.HasPrefix(name, "#") && strings.HasSuffix(name, "#"):
		return true
	case strings.HasPrefix(name, "."):
		ext := filepath.Ext(name)
		return len(ext) == 4 && strings.HasPrefix(ext, ".sw")
	default:
		return false
	}
}

func (w *Watcher) note(p string) {
	w.mu.Lock()
	w.changed[p] = true
	w.mu.Unlock()
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// Wait returns the paths that changed since the last call, sorted, when they
// have come to rest. None means that somebody should look: not everything can
// be watched. The error is that of ctx.
func (w *Watcher) Wait(ctx context.Context) ([]string, error) {
	w.mu.Lock()
	var poll <-chan time.Time
	if w.blind {
		t := time.NewTimer(w.poll)
		defer t.Stop()
		poll = t.C
	}
	w.mu.Unlock()
	select {
	case <-w.wake:
	case <-poll:
		return nil, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	end := time.NewTimer(longest)
	defer end.Stop()
	for rest := time.NewTimer(quiet); ; rest.Reset(quiet) {
		select {
		case <-w.wake:
			continue
		case <-rest.C:
		case <-end.C:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		break
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	paths := slices.Sorted(maps.Keys(w.changed))
	clear(w.changed)
	return slices.DeleteFunc(paths, func(p string) bool { return p == "" }), nil
}
