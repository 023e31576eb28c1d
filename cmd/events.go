package cmd

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mlops-cli/mlops/pkg/account"
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/project"
	"github.com/mlops-cli/mlops/pkg/registry"
	"github.com/mlops-cli/mlops/pkg/term"
	"github.com/mlops-cli/mlops/pkg/track"
	"github.com/mlops-cli/mlops/pkg/trackdb"
)

type eventsOptions struct {
	app *app
	track.EventQuery
	follow bool
	since  string
	run    string
}

// eventsShown is how many events are listed when nobody says how many.
const eventsShown = 100

func newEventsCmd(a *app) *cobra.Command {
	o := &eventsOptions{app: a}
	c := &cobra.Command{
		Use:   "events",
		Short: "Show what happened here: runs, stages, data that was added, pushed and fetched",
		Long: `Show the history of this repository on this machine, the oldest first: runs that
started and ended, stages that started, were tried again and ended, data that was
added, pushed and fetched, changes to runs. Without --since, --limit or --run, the
newest 100. With --follow, goes on with what happens, until Ctrl-C.

A kind is run.finished, stage.started, remote.pushed and so on; 'stage' means all
that happened to stages. Skipped stages make no events: 'mlops runs show' has them.`,
		Example: `  mlops events
  mlops events --follow --kind stage
  mlops events --run swift-otter-417
  mlops events --since 2h --json`,
		Args: cobra.NoArgs,
		RunE: a.run(func(ctx context.Context, _ []string) error { return runEvents(ctx, o) }),
	}
	f := c.Flags()
	f.BoolVarP(&o.follow, "follow", "f", false, "go on with what happens; with --json a line for each event")
	f.StringVar(&o.since, "since", "", "only since `TIME`: 90s, 15m, 2h, 3d ago, or a date such as 2026-11-21 or 2026-11-21T14:00")
	f.StringVar(&o.run, "run", "", "only of one run: an id, a prefix of one, or a name")
	commaListVar(f, &o.Kinds, "kind", "only these kinds")
	f.IntVar(&o.Last, "limit", 0, "only the newest `N`")
	// The flag exists at this point: an error could only say that it does not.
	if err := c.RegisterFlagCompletionFunc("kind", cobra.FixedCompletions(eventKinds(), cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err)
	}
	return c
}

// eventKinds are all kinds of events that this version makes.
func eventKinds() []string {
	return slices.Concat(track.EventKinds(), registry.EventKinds(), account.EventKinds(), project.EventKinds())
}

// checkEventKinds refuses kinds that no event can be of.
func checkEventKinds(kinds []string) error {
	known := eventKinds()
	for _, kind := range known {
		group, _, _ := strings.Cut(kind, ".")
		known = append(known, group)
	}
	slices.Sort(known)
	known = slices.Compact(known)
	for _, kind := range kinds {
		if !slices.Contains(known, kind) {
			return errs.New(errs.Usage, "there is no kind of event %q", kind).DidYouMean(kind, known).
				Hint("a kind is run.finished, stage.started and so on, or what stands before the dot")
		}
	}
	return nil
}

func runEvents(ctx context.Context, o *eventsOptions) error {
	if o.Last < 0 {
		return errs.New(errs.Usage, "--limit %d is less than nothing", o.Last)
	}
	if err := checkEventKinds(o.Kinds); err != nil {
		return err
	}
	tracking, err := o.app.tracking(ctx)
	if err != nil {
		return err
	}
	if o.since != "" {
		t, err := parseSince(o.app.clock.Now(), o.since)
		if err != nil {
			return err
		}
		o.Since = t.UnixMilli()
	}
	if o.run != "" {
		if o.Subject, err = tracking.Resolve(ctx, o.run); err != nil {
			return err
		}
	}
	limited := o.Last == 0 && o.since == "" && o.run == ""
	if limited {
		o.Last = eventsShown
	}
	events, err := tracking.Events(ctx, o.EventQuery)
	if err != nil {
		return err
	}
	show := &eventView{io: o.app.io, now: o.app.clock.Now(), names: map[string]string{}, tracking: tracking}
	if o.follow {
		return o.goOn(ctx, show, events)
	}
	lines := make([]eventLine, len(events))
	for i, e := range events {
		lines[i] = lineOf(e)
	}
	if err := o.app.io.Result(lines, func(w io.Writer) error { return show.write(ctx, w, events) }); err != nil {
		return err
	}
	switch {
	case len(events) == 0:
		o.app.io.Note("nothing happened")
	case limited && len(events) == eventsShown:
		o.app.io.Note("these are the newest %d; --since and --limit list more", eventsShown)
	}
	return nil
}

// pollEvery is how often a follower looks for what is new.
const pollEvery = 200 * time.Millisecond

// goOn shows events and those that come, until ctx is done.
func (o *eventsOptions) goOn(ctx context.Context, show *eventView, events []track.Event) error {
	q := o.EventQuery
	q.Last = 0
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		if err := show.stream(ctx, events); err != nil {
			return err
		}
		if len(events) > 0 {
			q.After = events[len(events)-1].Seq
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		var err error
		if events, err = show.tracking.Events(ctx, q); err != nil {
			if ctx.Err() != nil {
				return nil // Ctrl-C is how one ends it
			}
			return err
		}
	}
}

// parseSince reads a span before now, or a date.
func parseSince(now time.Time, text string) (time.Time, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.ParseFloat(days, 64); err == nil && n >= 0 {
			return now.Add(-time.Duration(n * 24 * float64(time.Hour))), nil
		}
	}
	if d, err := time.ParseDuration(text); err == nil && d >= 0 {
		return now.Add(-d), nil
	}
	for _, layout := range []string{time.DateOnly, "2006-01-02T15:04", "2006-01-02T15:04:05", time.DateTime} {
		if t, err := time.ParseInLocation(layout, text, time.Local); err == nil {
			return t, nil
		}
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	return time.Time{}, errs.New(errs.Usage, "%q is neither a span of time nor a date", text).
		Hint("a span is 90s, 15m, 2h or 3d; a date is 2026-11-21 or 2026-11-21T14:00")
}

// eventLine is the contract of events --json.
type eventLine struct {
	Seq     int64           `json:"seq"`
	Time    int64           `json:"time"`
	Kind    string          `json:"kind"`
	Subject string          `json:"subject"`
	By      string          `json:"by"`
	Data    json.RawMessage `json:"data"`
}

func lineOf(e track.Event) eventLine {
	l := eventLine{Seq: e.Seq, Time: e.Time, Kind: e.Kind, Subject: e.Subject, By: e.By, Data: json.RawMessage(e.Data)}
	if e.Data == "" {
		l.Data = json.RawMessage("{}")
	}
	return l
}

// eventView shows events to people, with the names of runs for their ids.
type eventView struct {
	io       *term.IO
	now      time.Time
	names    map[string]string
	tracking *trackdb.Service
}

func (v *eventView) write(ctx context.Context, w io.Writer, events []track.Event) error {
	t := v.io.Table()
	for _, e := range events {
		t.Row(v.cells(ctx, e)...)
	}
	return t.Write(w)
}

func (v *eventView) stream(ctx context.Context, events []track.Event) error {
	for _, e := range events {
		var err error
		if v.io.JSON {
			err = v.io.JSONLine(lineOf(e))
		} else {
			c := v.cells(ctx, e)
			_, err = fmt.Fprintln(v.io.Out, strings.TrimRight(fmt.Sprintf("%s  %-15s  %s  %s", c[0], c[1], c[2], c[3]), " "))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (v *eventView) cells(ctx context.Context, e track.Event) []string {
	what := describeEvent(e)
	if e.By != "" {
		what = strings.TrimSpace(what + "  by " + e.By)
	}
	return []string{time.UnixMilli(e.Time).Format("2006-01-02 15:04:05"), e.Kind, v.name(ctx, e), what}
}

// name is the name of a run, and any other subject as it is.
func (v *eventView) name(ctx context.Context, e track.Event) string {
	if track.CheckID(e.Subject) != nil {
		return e.Subject
	}
	if name, known := v.names[e.Subject]; known {
		return name
	}
	name := e.Subject[:8]
	if runs, err := v.tracking.Runs(ctx, track.Query{IDs: []string{e.Subject}, Deleted: true, Bare: true}); err == nil && len(runs) == 1 {
		name = runs[0].Name
	}
	v.names[e.Subject] = name
	return name
}

// describeEvent puts what is known of an event into a few words.
func describeEvent(e track.Event) string {
	var data map[string]any
	d := json.NewDecoder(strings.NewReader(e.Data))
	d.UseNumber() // large ones as they are
	if d.Decode(&data) != nil {
		return ""
	}
	text := func(key string) string {
		switch x := data[key].(type) {
		case nil:
			return ""
		case json.Number:
			if ms, err := x.Int64(); err == nil && key == "expires" {
				return expiry(ms)
			}
			return x.String()
		case string:
			return x
		case []any:
			words := make([]string, len(x))
			for i, word := range x {
				words[i] = fmt.Sprint(word)
			}
			return strings.Join(words, "; ")
		case map[string]any:
			words := make([]string, 0, len(x))
			for _, k := range sortedKeys(x) {
				words = append(words, fmt.Sprintf("%s=%v", k, x[k]))
			}
			return strings.Join(words, "; ")
		default:
			return fmt.Sprint(x)
		}
	}
	switch e.Kind {
	case track.StageStarted:
		return strings.TrimSpace(text("stage") + "  " + text("reasons"))
	case track.StageFinished, track.StageRetried:
		words := []string{text("stage"), text("action")}
		if n, ok := data["seconds"].(json.Number); ok {
			s, _ := n.Float64()
			words = append(words, term.Duration(time.Duration(s*float64(time.Second))))
		}
		if n := text("attempt"); n != "" {
			words = append(words, "attempt "+n)
		}
		words = append(words, text("error"))
		return strings.Join(slices.DeleteFunc(words, func(w string) bool { return w == "" }), "  ")
	case track.RunFinished:
		return strings.ToLower(text("status"))
	}
	var words []string
	for _, key := range sortedKeys(data) {
		if value := text(key); value != "" {
			words = append(words, key+"="+value)
		}
	}
	return strings.Join(words, " ")
}

// emit adds to the history. That it cannot is worth a warning, not more: the
// work is done.
func (a *app) emit(ctx context.Context, kind, subject string, data map[string]any) {
	tracking, err := a.tracking(ctx)
	if err == nil {
		err = tracking.Emit(context.WithoutCancel(ctx), kind, subject, data)
	}
	if err != nil {
		a.io.Warn("not in the history: %v", err)
	}
}
