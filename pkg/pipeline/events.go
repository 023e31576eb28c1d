package pipeline

import (
	"encoding/json"
	"time"

	"github.com/mlops-cli/mlops/pkg/stagefile"
	"github.com/mlops-cli/mlops/pkg/track"
)

// EventType says what an event is about.
type EventType string

// The events of a run, in the order in which they come.
const (
	RunStarted   EventType = "run_started"
	StageStarted EventType = "started"
	StageRetried EventType = "retried" // Err says what was wrong with the attempt
	StageWaiting EventType = "waiting" // Reasons say for what; not more than once a stage
	StageEnded   EventType = "stage"
	Warning      EventType = "warning" // Err says what could not be done
)

// Event is something that happened in a run. Stage and Record belong to the
// engine: they are read while the event is handled, and not changed.
type Event struct {
	Type     EventType
	Time     time.Time
	Name     string             // address of the stage
	Run      *track.Run         // of RunStarted
	Chosen   []*stagefile.Stage // of RunStarted: the stages it is about
	Stage    *stagefile.Stage   // of stages
	Record   *stagefile.Record  // what the stage read, and of StageEnded what it made
	Action   Action             // of StageEnded: Ran, Skipped, Restored or Failed
	Reasons  []string
	Attempt  int // of StageRetried: the one that failed, from 1
	Seconds  float64
	ExitCode int
	Err      error  // of StageRetried, of Failed, and of Warning
	Tail     string // of StageEnded: the end of what the stage printed
}

// listen keeps the events of stages for the history before they go on. Skipped
// stages make none: there are many, and the run has them.
func (j *journal) listen(next func(Event)) func(Event) {
	return func(e Event) {
		data := map[string]any{"stage": e.Name}
		kind := ""
		switch {
		case e.Type == StageStarted:
			j.sources.wait()
			kind = track.StageStarted
			data["reasons"] = e.Reasons
		case e.Type == StageRetried:
			kind = track.StageRetried
			data["attempt"], data["exit_code"] = e.Attempt, e.ExitCode
		case e.Type == StageEnded && e.Action != Skipped:
			kind = track.StageFinished
			data["action"], data["seconds"], data["exit_code"] = e.Action, e.Seconds, e.ExitCode
		}
		if e.Err != nil {
			data["error"] = e.Err.Error()
		}
		if kind != "" {
			j.remember(kind, e.Time, data)
		}
		next(e)
	}
}

func (j *journal) remember(kind string, at time.Time, data map[string]any) {
	text, err := json.Marshal(data)
	if err != nil {
		return // texts and numbers: cannot be
	}
	j.mu.Lock()
	j.events = append(j.events, track.Event{Kind: kind, Time: at.UnixMilli(), Data: string(text)})
	j.mu.Unlock()
	select {
	case j.wake <- struct{}{}:
	default:
	}
}

func (j *journal) takeEvents() []track.Event {
	j.mu.Lock()
	defer j.mu.Unlock()
	events := j.events
	j.events = nil
	return events
}
