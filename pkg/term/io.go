package term

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/mlops-cli/mlops/pkg/clock"
)

// IO is the streams of a command and how to write on them.
type IO struct {
	In  io.Reader
	Out io.Writer // the result, nothing else
	Err io.Writer // messages, progress, logs

	JSON    bool        // results are JSON
	Quiet   bool        // no notes and no progress
	Verbose bool        // details, too
	Clock   clock.Clock // for rates and ages

	screen *screen
	outTTY bool
	errTTY bool
	width  func() int
	color  Depth
}

// Config says what the streams are, for New.
type Config struct {
	In       io.Reader
	Out, Err io.Writer
	OutTTY   bool
	ErrTTY   bool
	Width    func() int // columns of the terminal, 0 when unknown; nil for 0
	Color    Depth
	Clock    clock.Clock
	// Tick is how often progress looks, Delay how long work must take to be
	// shown, Line how often a log gets a line. Zero means the usual.
	Tick, Delay, Line time.Duration
}

// New returns an IO over the streams of c.
func New(c Config) *IO {
	if c.Clock == nil {
		c.Clock = clock.System{}
	}
	if c.Width == nil {
		c.Width = func() int { return 0 }
	}
	s := newScreen(c)
	return &IO{
		In: c.In, Out: screenWriter{s, c.Out, c.OutTTY}, Err: screenWriter{s, c.Err, true},
		Clock: c.Clock, screen: s, outTTY: c.OutTTY, errTTY: c.ErrTTY, width: c.Width, color: c.Color,
	}
}

// System returns the IO of the process: its standard streams and environment.
func System() *IO {
	outTTY, errTTY := isTerminal(os.Stdout), isTerminal(os.Stderr)
	return New(Config{
		In: os.Stdin, Out: os.Stdout, Err: os.Stderr,
		OutTTY: outTTY, ErrTTY: errTTY,
		Width: func() int { return terminalWidth(os.Stdout, os.Stderr) },
		Color: depth(os.Getenv, outTTY),
	})
}

// IsTTY reports whether stdout is a terminal.
func (t *IO) IsTTY() bool { return t.outTTY }

// IsErrTTY reports whether stderr is a terminal.
func (t *IO) IsErrTTY() bool { return t.errTTY }

// Width is the number of columns of the terminal; 80 when stdout is a terminal
// of unknown width, 0 when it is none, so that nothing is cut.
func (t *IO) Width() int {
	if !t.outTTY {
		return 0
	}
	if w := t.width(); w > 0 {
		return w
	}
	return 80
}

// Color is how many colours stdout may show.
func (t *IO) Color() Depth { return t.color }

// NoColor turns colour off, as --no-color does.
func (t *IO) NoColor() { t.color = Plain }

// Result writes the result of a command to stdout: v as one JSON document with
// --json, else what text writes. A nil slice is written as [].
func (t *IO) Result(v any, text func(w io.Writer) error) error {
	w := bufio.NewWriterSize(t.Out, 64<<10)
	var err error
	if t.JSON {
		err = writeJSON(w, v)
	} else {
		err = text(w)
	}
	if err == nil {
		err = w.Flush()
	}
	if err != nil {
		return fmt.Errorf("write result: %w", err)
	}
	return nil
}

// JSONLine writes v as one line of JSON to stdout: an item of a stream.
func (t *IO) JSONLine(v any) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("encode result: %w", err)
	}
	if _, err := t.Out.Write(b.Bytes()); err != nil {
		return fmt.Errorf("write result: %w", err)
	}
	return nil
}

// Note tells something that is good to know on stderr. --quiet hides it.
func (t *IO) Note(format string, args ...any) {
	if !t.Quiet {
		t.say("", format, args)
	}
}

// Detail tells what only --verbose wants to know.
func (t *IO) Detail(format string, args ...any) {
	if t.Verbose {
		t.say("", format, args)
	}
}

// Warn tells on stderr what went wrong without stopping the work.
func (t *IO) Warn(format string, args ...any) { t.say("mlops: warning: ", format, args) }

// Error tells on stderr why the command failed.
func (t *IO) Error(format string, args ...any) { t.say("mlops: error: ", format, args) }

// Hint says on stderr what to type next.
func (t *IO) Hint(format string, args ...any) {
	if !t.Quiet {
		t.say("mlops: hint: ", format, args)
	}
}

// say writes whole lines; when stderr is gone there is nobody left to tell.
func (t *IO) say(prefix, format string, args []any) {
	text := strings.TrimRight(fmt.Sprintf(format, args...), "\n")
	_, err := io.WriteString(t.Err, prefix+text+"\n")
	if err != nil {
		return
	}
}

// ErrJSON writes v as one line of JSON to stderr: an error of a command that
// was asked for JSON.
func (t *IO) ErrJSON(v any) {
	b, err := json.Marshal(v)
	if err != nil {
		t.Error("%v", err)
		return
	}
	t.Raw(string(b))
}

// Raw writes a line to stderr as it is.
func (t *IO) Raw(line string) { t.say("", "%s", []any{line}) }
