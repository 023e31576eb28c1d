package pipeline

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"sync"
)

// output is where all stages print to, a line at a time.
type output struct {
	mu     sync.Mutex
	w      io.Writer
	prefix bool // say which stage a line is from
	groups *groups
	fresh  bool // with groups: at the begin of a line
}

func newOutput(w io.Writer, prefix bool) *output { return &output{w: w, prefix: prefix} }

func (o *output) write(name string, text []byte) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.prefix {
		_, err := o.w.Write(text)
		return err
	}
	var b bytes.Buffer
	for line := range bytes.Lines(text) {
		fmt.Fprintf(&b, "%s | %s", name, line)
		if line[len(line)-1] != '\n' {
			b.WriteByte('\n')
		}
	}
	_, err := o.w.Write(b.Bytes())
	return err
}

// stageLog takes what one stage prints, shows it and keeps it in a file.
type stageLog struct {
	out  *output
	name string
	path string
	file *os.File
	rest []byte // a line that has no end yet
	tail []byte // the end of all that was printed
	err  error  // of the file

	waits bool // with groups: another stage is shown
}

func newStageLog(out *output, name, path string) *stageLog {
	return &stageLog{out: out, name: name, path: path}
}

// maxLine is how much of a line without an end is held back, maxTail how much
// of the end is remembered.
const (
	maxLine = 64 << 10
	maxTail = 8 << 10
)

// Write never fails: a stage does not die because its output cannot be shown.
func (l *stageLog) Write(p []byte) (int, error) {
	if l.out.groups != nil {
		l.grouped(p)
		return len(p), nil
	}
	l.keep(p)
	if !l.out.prefix {
		l.show(p)
		return len(p), nil
	}
	l.rest = append(l.rest, p...)
	end := bytes.LastIndexByte(l.rest, '\n') + 1
	if end == 0 && len(l.rest) > maxLine {
		end = len(l.rest)
	}
	if end > 0 {
		l.show(l.rest[:end])
		l.rest = append(l.rest[:0], l.rest[end:]...)
	}
	return len(p), nil
}

// note writes a line of ours among what the stage prints.
func (l *stageLog) note(line string) {
	if _, err := l.Write([]byte(line + "\n")); err != nil && l.err == nil {
		l.err = err
	}
}

func (l *stageLog) show(p []byte) {
	if err := l.out.write(l.name, p); err != nil && l.err == nil {
		l.out = newOutput(io.Discard, l.out.prefix) // nobody listens any more
	}
}

func (l *stageLog) keep(p []byte) {
	l.tail = append(l.tail, p[max(0, len(p)-maxTail):]...)
	l.tail = l.tail[max(0, len(l.tail)-maxTail):]
	if l.err != nil {
		return
	}
	if l.file == nil {
		if l.file, l.err = os.Create(l.path); l.err != nil {
			return
		}
	}
	_, l.err = l.file.Write(p)
}

// close returns the file with all that was printed, "" when nothing was.
func (l *stageLog) close() (string, error) {
	if len(l.rest) > 0 {
		l.show(l.rest)
	}
	if l.out.groups != nil {
		l.endGroup()
	}
	if l.file == nil {
		return "", l.err
	}
	if err := l.file.Close(); l.err == nil {
		l.err = err
	}
	if l.err != nil {
		return "", fmt.Errorf("keep the log of stage %s: %w", l.name, l.err)
	}
	return l.file.Name(), nil
}
