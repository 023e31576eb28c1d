package term_test

import (
	"bytes"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mlops-cli/mlops/pkg/progress"
	"github.com/mlops-cli/mlops/pkg/term"
)

// buffer is written by the drawing goroutine and read by the test.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// clock goes a second further each time it is asked.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(time.Second)
	return c.now
}

func progressIO(tty bool, width int) (*term.IO, *buffer) {
	out := &buffer{}
	return term.New(term.Config{
		Out: io.Discard, Err: out, ErrTTY: tty, Width: func() int { return width },
		Clock: &clock{now: time.Unix(0, 0)}, Tick: time.Millisecond,
	}), out
}

// waitFor polls until what is written holds text.
func waitFor(t *testing.T, b *buffer, text string) string {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if s := b.String(); strings.Contains(s, text) {
			return s
		}
	}
	s := b.String()
	t.Fatalf("no %q in %q", text, s[:min(len(s), 500)])
	return ""
}

func TestProgressIsOneLineThatGoesAway(t *testing.T) {
	t.Parallel()
	streams, out := progressIO(true, 100)
	task := streams.Progress().Task("hashing", 1200, 4096)
	task.Add(600, 1024)
	got := waitFor(t, out, "left")
	for _, want := range []string{"\rhashing", " 50%", "600/1,200 files", "1.0 KiB/4.0 KiB", "\x1b[K"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in %q", want, got)
		}
	}
	if strings.Contains(got, "\n") {
		t.Errorf("more than one line: %q", got)
	}
	streams.Note("said in between")
	if got := out.String(); !strings.Contains(got, "\r\x1b[Ksaid in between\n") {
		t.Errorf("the line was not wiped before a note: %q", got)
	}
	task.Done()
	if got := out.String(); !strings.HasSuffix(got, "\r\x1b[K") && !strings.HasSuffix(got, "in between\n") {
		t.Errorf("the line stays: %q", got)
	}
}

func TestLongLinesAreCutToTheTerminal(t *testing.T) {
	t.Parallel()
	streams, out := progressIO(true, 60)
	task := streams.Progress().Task(strings.Repeat("very ", 30)+"long", 10, 10)
	defer task.Done()
	got := waitFor(t, out, "\x1b[K")
	line, _, _ := strings.Cut(strings.TrimPrefix(got, "\r"), "\x1b")
	if w := term.Width(line); w >= 60 {
		t.Errorf("%d columns of 60: %q", w, line)
	}
}

func TestALogGetsALineNowAndThen(t *testing.T) {
	t.Parallel()
	streams, out := progressIO(false, 0)
	task := streams.Progress().Task("pushing", progress.Unknown, progress.Unknown)
	task.Add(3, 0)
	got := waitFor(t, out, "\n")
	task.Done()
	if !strings.HasPrefix(got, "pushing  3 files\n") || strings.ContainsAny(got, "\r\x1b") {
		t.Errorf("got %q", got)
	}
}

func TestQuietAndShortWorkShowNothing(t *testing.T) {
	t.Parallel()
	streams, out := progressIO(true, 100)
	streams.Quiet = true
	task := streams.Progress().Task("hashing", 1, 1)
	time.Sleep(20 * time.Millisecond)
	task.Done()
	streams.Note("a note")
	streams.Hint("a hint")
	if got := out.String(); got != "" {
		t.Errorf("--quiet wrote %q", got)
	}
	usual := term.New(term.Config{Out: io.Discard, Err: out, ErrTTY: true, Tick: time.Millisecond})
	task = usual.Progress().Task("hashing", 1, 1)
	time.Sleep(20 * time.Millisecond)
	task.Done()
	if got := out.String(); got != "" {
		t.Errorf("short work wrote %q", got)
	}
}

func TestManyGoroutinesMayReport(t *testing.T) {
	t.Parallel()
	streams, _ := progressIO(true, 100)
	reporter := streams.Progress()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				task := reporter.Task("copying", 10, progress.Unknown)
				task.Add(1, 1)
				task.SetTotal(20, 20)
				streams.Note("x")
				task.Done()
			}
		})
	}
	wg.Wait()
}
