package workspace

import (
	"context"
	"io/fs"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mlops-cli/mlops/pkg/ignore"
	"github.com/mlops-cli/mlops/pkg/progress"
)

// forecastAfter is how long a scan works before it asks how much there is:
// short ones must not pay for it.
const forecastAfter = time.Second

// forecast tells the task of a scan how many files it will have read in the
// end: those that a walk beside it counts, less those that need no reading.
type forecast struct {
	task          progress.Task
	files, bytes  atomic.Int64 // that were passed by unread
	known         atomic.Bool
	total, weight int64 // files and bytes; valid once known
}

// pass counts files that need not be read.
func (f *forecast) pass(files, bytes int64) {
	f.files.Add(files)
	f.bytes.Add(bytes)
	if f.known.Load() {
		f.tell()
	}
}

func (f *forecast) tell() {
	f.task.SetTotal(f.total-f.files.Load(), f.weight-f.bytes.Load())
}

// start counts the targets after a while. The function that it returns ends
// the count.
func (f *forecast) start(ctx context.Context, w *Workspace, targets []*target) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() {
		select {
		case <-ctx.Done():
		case <-time.After(forecastAfter):
			f.count(ctx, w, targets)
		}
	})
	return func() {
		cancel()
		wg.Wait()
	}
}

// count walks the targets. What it cannot read the scan itself complains of.
func (f *forecast) count(ctx context.Context, w *Workspace, targets []*target) {
	var files, bytes int64
	for _, t := range targets {
		top := w.full(t.path)
		if real, err := filepath.EvalSymlinks(top); err == nil {
			top = real // the scan follows a link that is a target itself
		}
		err := filepath.WalkDir(top, func(name string, e fs.DirEntry, err error) error {
			switch {
			case ctx.Err() != nil:
				return ctx.Err()
			case err != nil:
				return nil //nolint:nilerr // the scan says it
			case name != top && leftOut(t.match, t.path, top, name, e.IsDir()):
				if e.IsDir() {
					return fs.SkipDir
				}
				return nil
			case !e.Type().IsRegular():
				return nil
			}
			if info, err := e.Info(); err == nil {
				files++
				bytes += info.Size()
			}
			return nil
		})
		if err != nil {
			return // ended
		}
	}
	f.total, f.weight = files, bytes
	f.known.Store(true)
	f.tell()
}

// leftOut reports whether a file below a target is not tracked.
func leftOut(match *ignore.Matcher, target, top, name string, isDir bool) bool {
	if match == nil || match.Empty() {
		return false
	}
	rel, err := filepath.Rel(top, name)
	return err == nil && match.Match(join(target, filepath.ToSlash(rel)), isDir)
}
