package term

import (
	"fmt"
	"io"
	"slices"
	"sync/atomic"
	"time"

	"github.com/mlops-cli/mlops/pkg/progress"
)

// Progress returns the reporter of this IO: one redrawn line on a terminal, a
// line now and then in a log, nothing with --quiet or --json.
func (t *IO) Progress() progress.Reporter {
	if t.Quiet || (t.JSON && !t.errTTY) {
		return progress.Nop{}
	}
	return reporter{t.screen}
}

type reporter struct{ s *screen }

// task is one piece of work on the screen.
type task struct {
	s            *screen
	label        string
	start        time.Time
	files, bytes atomic.Int64
	allFiles     atomic.Int64
	allBytes     atomic.Int64
}

// Task begins a piece of work and sees to it that somebody draws.
func (r reporter) Task(label string, files, bytes int64) progress.Task {
	s := r.s
	t := &task{s: s, label: label, start: s.cfg.Clock.Now()}
	t.SetTotal(files, bytes)
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.tasks) == 0 {
		s.lines = t.start
	}
	s.tasks = append(s.tasks, t)
	if s.stop == nil {
		s.stop = make(chan struct{})
		go s.draw(s.stop)
	}
	return t
}

// Add counts what is done.
func (t *task) Add(files, bytes int64) {
	t.files.Add(files)
	t.bytes.Add(bytes)
}

// SetTotal sets what there is to do.
func (t *task) SetTotal(files, bytes int64) {
	t.allFiles.Store(files)
	t.allBytes.Store(bytes)
}

// Done takes the task off the screen; after the last one nothing is drawn.
func (t *task) Done() {
	s := t.s
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tasks = slices.DeleteFunc(s.tasks, func(o *task) bool { return o == t })
	if len(s.tasks) == 0 && s.stop != nil {
		close(s.stop)
		s.stop = nil
		if err := s.wipe(); err != nil {
			return // the terminal is gone: nothing to clear
		}
	}
}

// draw runs until stop is closed.
func (s *screen) draw(stop chan struct{}) {
	tick := time.NewTicker(s.cfg.Tick)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
			s.mu.Lock()
			if s.stop == stop {
				s.show()
			}
			s.mu.Unlock()
		}
	}
}

// show draws the oldest task that takes long enough. The caller holds mu.
func (s *screen) show() {
	now := s.cfg.Clock.Now()
	if len(s.tasks) == 0 || now.Sub(s.tasks[0].start) < s.cfg.Delay {
		return
	}
	text := s.tasks[0].line(now)
	if more := len(s.tasks) - 1; more > 0 {
		text += fmt.Sprintf(" (+%d more)", more)
	}
	var err error
	switch {
	case s.cfg.ErrTTY:
		width := s.cfg.Width()
		if width <= 0 {
			width = 80
		}
		_, err = io.WriteString(s.cfg.Err, "\r"+Cut(text, width-1)+"\x1b[K")
		s.drawn = true
	case now.Sub(s.lines) >= s.cfg.Line:
		s.lines = now
		_, err = io.WriteString(s.cfg.Err, text+"\n")
	}
	if err != nil {
		s.tasks = nil // nobody is there to see it
	}
}

// fileWork is how many bytes are about as much work as one file more: many small
// files take longer than a large one.
const fileWork = 32 << 10

// line is what is known of the task in one line.
func (t *task) line(now time.Time) string {
	files, bytes := t.files.Load(), t.bytes.Load()
	allFiles, allBytes := t.allFiles.Load(), t.allBytes.Load()
	seconds := now.Sub(t.start).Seconds()
	text := t.label
	share := -1.0
	switch {
	case allBytes > 0:
		share = float64(bytes+files*fileWork) / float64(allBytes+allFiles*fileWork)
	case allFiles > 0:
		share = float64(files) / float64(allFiles)
	}
	if share >= 0 {
		text += fmt.Sprintf(" %3.0f%%", min(share, 1)*100)
	}
	switch {
	case allFiles > 0:
		text += fmt.Sprintf("  %s/%s files", Count(files), Count(allFiles))
	case files > 0:
		text += fmt.Sprintf("  %s files", Count(files))
	}
	switch {
	case allBytes > 0:
		text += fmt.Sprintf("  %s/%s", Bytes(bytes), Bytes(allBytes))
	case bytes > 0:
		text += "  " + Bytes(bytes)
	}
	if bytes > 0 && seconds > 0 {
		text += fmt.Sprintf("  %s/s", Bytes(int64(float64(bytes)/seconds)))
	}
	if share > 0.001 && share < 1 {
		left := time.Duration(seconds * (1 - share) / share * float64(time.Second))
		text += "  " + Duration(left) + " left"
	}
	return text
}
