package pipeline

import (
	"path"
	"sync"

	"github.com/mlops-cli/mlops/pkg/stagefile"
)

// earlyLocks are locks that are read while the pipeline files still are.
type earlyLocks struct {
	wait sync.WaitGroup
	mu   sync.Mutex
	read map[string]earlyLock
}

type earlyLock struct {
	lock  *stagefile.Lock
	state fileState // of the file, before it was read
}

// readLocks begins to read the locks beside pipeline files.
func (e *Engine) readLocks(names []string) *earlyLocks {
	l := &earlyLocks{read: map[string]earlyLock{}}
	seen := map[string]bool{}
	l.wait.Go(func() {
		for _, name := range names {
			file := path.Join(path.Dir(name), stagefile.LockName)
			if seen[file] || stagefile.IsPointer(name) {
				continue
			}
			seen[file] = true
			state := stateOf(e.path(file))
			text, err := e.Read(file)
			if err != nil {
				continue // who needs it asks again, and says so
			}
			lock, err := stagefile.ParseLock(file, text)
			if err != nil {
				continue
			}
			l.mu.Lock()
			l.read[file] = earlyLock{lock, state}
			l.mu.Unlock()
		}
	})
	return l
}

// take returns a lock that was read, once: it belongs to who takes it. It is
// nil when the file is another one now, or was not read.
func (l *earlyLocks) take(file string, now fileState) *stagefile.Lock {
	if l == nil {
		return nil
	}
	l.wait.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	got := l.read[file]
	delete(l.read, file)
	if got.lock == nil || !got.state.same(now) {
		return nil
	}
	return got.lock
}
