package cmd

import (
	"strings"
	"sync"
	"time"

	"github.com/mlops-cli/mlops/pkg/pipeline"
	"github.com/mlops-cli/mlops/pkg/term"
)

const (
	sayAfter = 2 * time.Second // a stage that takes longer is shown while it runs
	sayAgain = 5 * time.Minute // and now and then, so that a log does not fall silent
)

// progressNotes says on stderr which stages are at work, when they take a while.
type progressNotes struct {
	io *term.IO

	mu     sync.Mutex
	timers map[string]*time.Timer
}

func (p *progressNotes) event(e pipeline.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e.Type {
	case pipeline.StageStarted:
		name, start, why := e.Name, p.io.Clock.Now(), strings.Join(e.Reasons, "; ")
		p.stop(name)
		p.timers[name] = time.AfterFunc(sayAfter, func() { p.say(name, why, start) })
	case pipeline.StageEnded:
		p.stop(e.Name)
	default:
	}
}

func (p *progressNotes) say(name, why string, start time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	t, ok := p.timers[name]
	if !ok {
		return // it ended meanwhile
	}
	if why != "" {
		p.io.Note("%-9s %s  %s", "running", name, why)
	} else {
		p.io.Note("%-9s %s  (%s)", "running", name, term.Duration(p.io.Clock.Now().Sub(start)))
	}
	t.Stop()
	p.timers[name] = time.AfterFunc(sayAgain, func() { p.say(name, "", start) })
}

func (p *progressNotes) stop(name string) {
	if t, ok := p.timers[name]; ok {
		t.Stop()
		delete(p.timers, name)
	}
}

func (p *progressNotes) end(pipeline.Result, error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for name := range p.timers {
		p.stop(name)
	}
	return nil
}
