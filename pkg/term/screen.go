package term

import (
	"io"
	"sync"
	"time"
)

// screen shares the terminal between the progress line and everything else:
// whoever writes first wipes the line.
type screen struct {
	mu    sync.Mutex
	cfg   Config
	tasks []*task
	drawn bool          // a progress line stands on the terminal
	stop  chan struct{} // ends the drawing goroutine; nil when there is none
	lines time.Time     // when a log last got a line
}

func newScreen(c Config) *screen {
	set := func(d *time.Duration, usual time.Duration) {
		if *d == 0 {
			*d = usual
		}
	}
	set(&c.Tick, 100*time.Millisecond)
	set(&c.Delay, time.Second)
	set(&c.Line, 10*time.Second)
	return &screen{cfg: c}
}

// wipe removes the progress line. The caller holds mu.
func (s *screen) wipe() error {
	if !s.drawn {
		return nil
	}
	s.drawn = false
	_, err := io.WriteString(s.cfg.Err, "\r\x1b[K")
	return err
}

// screenWriter writes to one of the streams.
type screenWriter struct {
	s    *screen
	w    io.Writer
	wipe bool // what is written lands on the terminal with the line
}

// Write wipes the progress line and writes p.
func (w screenWriter) Write(p []byte) (int, error) {
	w.s.mu.Lock()
	defer w.s.mu.Unlock()
	if w.wipe {
		if err := w.s.wipe(); err != nil {
			return 0, err
		}
	}
	return w.w.Write(p)
}
