package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/route"
	"github.com/mlops-cli/mlops/pkg/track"
)

// event is a line of the history.
type event struct {
	Seq     int64           `json:"seq" doc:"counts up"`
	Time    int64           `json:"time"`
	Kind    string          `json:"kind" example:"run.finished"`
	Subject string          `json:"subject" doc:"what it happened to: a run's id, the name of a model"`
	By      string          `json:"by" doc:"who did it"`
	Data    json.RawMessage `json:"data,omitempty" doc:"what else there is to know"`
}

func eventOf(e track.Event) event {
	v := event{Seq: e.Seq, Time: e.Time, Kind: e.Kind, Subject: e.Subject, By: e.By}
	if e.Data != "" {
		v.Data = json.RawMessage(e.Data)
	}
	return v
}

// EventSearch is what the history is asked for.
type EventSearch struct {
	Kind    []string `query:"kind" maxItems:"50" doc:"only these: run.finished, or run for all about runs"`
	Subject string   `query:"subject" maxLength:"500"`
	After   int64    `query:"after" minimum:"0" doc:"only those with a higher seq"`
}

const (
	eventsAtOnce = 1000
	lookEvery    = 250 * time.Millisecond
	aliveEvery   = 15 * time.Second // proxies cut connections that say nothing
)

func (a *api) addEvents() {
	const tag = "events"
	// The history names everything that happens, so it is for those who may see all.
	add(a, operation{id: "list-events", method: http.MethodGet, path: "/events", summary: "List what happened, the newest first", tag: tag, need: route.Read},
		func(ctx context.Context, in *struct {
			EventSearch
			Page

			By    string `query:"by" maxLength:"500" doc:"only what this user did"`
			Since int64  `query:"since" minimum:"0" doc:"only at that time or later"`
		},
		) (*reply[list[event]], error) {
			before, err := in.from() // what happens meanwhile moves no page: its cursor is a seq
			if err != nil {
				return nil, err
			}
			found, err := a.Tracking.Events(ctx, track.EventQuery{
				Subject: in.Subject, Kinds: in.Kind, By: in.By, Since: in.Since, After: in.After, Before: int64(before), Last: in.Limit + 1,
			})
			if err != nil {
				return nil, err
			}
			slices.Reverse(found)
			l, err := listOf(in.Page, found, nil, eventOf)
			if l.Next != "" {
				l.Next = cursorOf(int(l.Items[len(l.Items)-1].Seq))
			}
			return ok(l, err)
		})
	add(a, operation{
		id: "stream-events", method: http.MethodGet, path: "/events/stream", summary: "Follow what happens", tag: tag, need: route.Read, stream: true,
		describe: "Server-sent events, each with the seq as its id, from now on or behind one. After a broken connection, Last-Event-ID goes on behind that one, as browsers do by themselves.",
	}, func(_ context.Context, in *struct {
		EventSearch

		Last string `header:"Last-Event-ID" maxLength:"20"`
	},
	) (*huma.StreamResponse, error) {
		last, err := strconv.ParseInt(in.Last, 10, 64)
		if err != nil && in.Last != "" {
			return nil, errs.New(errs.Usage, "Last-Event-ID %q is no id of an event", in.Last).Hint("the id of the last event that came, a number")
		}
		in.After = max(in.After, last)
		return &huma.StreamResponse{Body: func(c huma.Context) { a.follow(c, in.EventSearch, in.After > 0 || in.Last != "") }}, nil
	})
}

// follow writes events until the client goes or the server stops: those behind a
// seq where there is one, else from now on.
func (a *api) follow(c huma.Context, s EventSearch, behind bool) {
	r, w := humago.Unwrap(c)
	ctx, out := r.Context(), http.NewResponseController(w)
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	q := track.EventQuery{Subject: s.Subject, Kinds: s.Kind, After: s.After, First: eventsAtOnce}
	if !behind {
		newest, err := a.Tracking.Events(ctx, track.EventQuery{Last: 1})
		if err != nil {
			return
		}
		for _, e := range newest {
			q.After = e.Seq
		}
	}
	// With its id a client that loses the connection before the first event goes on here, too.
	if _, err := fmt.Fprintf(w, ": hello\nid: %d\n\n", q.After); err != nil || out.Flush() != nil {
		return
	}
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	said := a.Clock.Now()
	atOnce := make(chan time.Time)
	close(atOnce)
	next := tick.C
	for {
		select {
		case <-ctx.Done():
			return
		case <-route.Draining(ctx):
			return
		case <-next:
		}
		found, err := a.Tracking.Events(ctx, q)
		if err != nil {
			return // the client comes again, and says where it was
		}
		if next = tick.C; len(found) == eventsAtOnce {
			next = atOnce
		}
		for _, e := range found {
			data, err := json.Marshal(eventOf(e))
			if err != nil {
				return
			}
			if _, err := fmt.Fprintf(w, "id: %d\ndata: %s\n\n", e.Seq, data); err != nil {
				return
			}
			q.After = e.Seq
		}
		now := a.Clock.Now()
		if len(found) == 0 {
			if now.Sub(said) < aliveEvery {
				continue
			}
			if _, err := fmt.Fprint(w, ":\n\n"); err != nil {
				return
			}
		}
		said = now
		if out.Flush() != nil {
			return
		}
	}
}
