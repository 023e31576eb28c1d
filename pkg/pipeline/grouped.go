package pipeline

import (
	"fmt"
	"os"
)

// heldLog is how much of a stage's output is shown when it ended while that of
// another one was being shown.
const heldLog = 256 << 10

// groups keeps what each stage prints together, for logs that can fold it. One
// stage at a time is shown while it prints; the others wait in their files.
type groups struct {
	mark    func(stage string) (begin, end string)
	current *stageLog   // whose group is open
	waiting []*stageLog // others that printed, still running
	held    []heldGroup // others that ended
}

type heldGroup struct {
	name string
	text []byte
}

// grouped is stageLog.Write of an output with groups.
func (l *stageLog) grouped(p []byte) {
	o := l.out
	o.mu.Lock()
	defer o.mu.Unlock()
	l.keep(p)
	switch o.groups.current {
	case nil:
		o.open(l)
		o.put(p)
	case l:
		o.put(p)
	default:
		if !l.waits {
			l.waits = true
			o.groups.waiting = append(o.groups.waiting, l)
		}
	}
}

// endGroup is the part of stageLog.close that shows what waited.
func (l *stageLog) endGroup() {
	o := l.out
	o.mu.Lock()
	defer o.mu.Unlock()
	g := o.groups
	if g.current != l {
		if !l.waits {
			return // it printed nothing
		}
		g.held = append(g.held, heldGroup{l.name, l.kept()})
		for i, w := range g.waiting {
			if w == l {
				g.waiting = append(g.waiting[:i], g.waiting[i+1:]...)
				break
			}
		}
		return
	}
	o.end(l.name)
	for _, h := range g.held {
		o.begin(h.name)
		o.put(h.text)
		o.end(h.name)
	}
	g.held, g.current = nil, nil
	if len(g.waiting) > 0 {
		next := g.waiting[0]
		g.waiting = g.waiting[1:]
		o.open(next)
		o.put(next.kept())
	}
}

// open makes l the stage that is shown.
func (o *output) open(l *stageLog) {
	o.groups.current = l
	o.begin(l.name)
}

func (o *output) begin(name string) {
	begin, _ := o.groups.mark(name)
	o.put([]byte(begin + "\n"))
}

func (o *output) end(name string) {
	_, end := o.groups.mark(name)
	if !o.fresh {
		end = "\n" + end
	}
	o.put([]byte(end + "\n"))
}

// put writes text as it is. A stage does not die because nobody listens.
func (o *output) put(text []byte) {
	if len(text) == 0 {
		return
	}
	o.fresh = text[len(text)-1] == '\n'
	if _, err := o.w.Write(text); err != nil {
		return
	}
}

// kept is what the stage printed so far; of much, the end.
func (l *stageLog) kept() []byte {
	text, err := l.readFile()
	if err != nil {
		return l.tail
	}
	return text
}

func (l *stageLog) readFile() ([]byte, error) {
	info, err := l.file.Stat()
	if err != nil {
		return nil, err
	}
	f, err := os.Open(l.file.Name())
	if err != nil {
		return nil, err
	}
	skip := max(0, info.Size()-heldLog)
	text := make([]byte, info.Size()-skip)
	n, err := f.ReadAt(text, skip)
	if cerr := f.Close(); cerr != nil || n < len(text) && err != nil {
		return nil, err
	}
	if skip > 0 {
		text = append(fmt.Appendf(nil, "… the first %d bytes are in the log: mlops runs show --log\n", skip), text...)
	}
	return text, nil
}
