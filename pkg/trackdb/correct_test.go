package trackdb

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/track"
)

// keep leaves the points of which fn holds.
func keep(fn func(track.Metric) bool) func([]track.Metric) ([]track.Metric, error) {
	return func(have []track.Metric) ([]track.Metric, error) {
		var left []track.Metric
		for _, m := range have {
			if fn(m) {
				left = append(left, m)
			}
		}
		return left, nil
	}
}

func none(track.Metric) bool { return false }

func TestCorrectParams(t *testing.T) {
	t.Parallel()
	everyStore(t, func(t *testing.T, fresh freshStore) {
		s, ctx := fresh(t), t.Context()
		r := create(t, s, track.Run{Params: []track.Param{{Key: "lr", Value: "0.1"}, {Key: "depth", Value: "3"}}})
		must(t, s.SetParam(ctx, r.ID, track.Param{Key: "lr", Value: "0.01"}))
		must(t, s.SetParam(ctx, r.ID, track.Param{Key: "new", Value: "x"}))
		must(t, s.Finish(ctx, r.ID, track.Finished, track.Batch{}))
		first, err := s.Exports(ctx)
		must(t, err)
		must(t, s.DeleteParam(ctx, r.ID, "depth")) // also when it is over
		second, err := s.Exports(ctx)
		must(t, err)
		if first[0].Record == second[0].Record {
			t.Error("a correction does not travel")
		}
		got, err := s.Run(ctx, r.ID)
		must(t, err)
		if fmt.Sprint(got.Params) != "[{lr 0.01} {new x}]" {
			t.Error(got.Params)
		}
		err = s.DeleteParam(ctx, r.ID, "ner")
		if !errs.Is(err, errs.NotFound) || !strings.Contains(fmt.Sprint(errs.Hints(err)), "new") {
			t.Errorf("%v %v", err, errs.Hints(err))
		}
		if err := s.SetParam(ctx, r.ID, track.Param{Key: "../x", Value: "1"}); !errs.Is(err, errs.Usage) {
			t.Error(err)
		}
		// Who did what, and what was there before.
		events, err := s.Events(ctx, track.EventQuery{Kinds: []string{track.RunCorrected}})
		must(t, err)
		if len(events) != 3 || events[0].By != "ada" || events[0].Subject != r.ID || events[0].Data != `{"params":"lr","value":"0.01","was":"0.1"}` ||
			events[2].Data != `{"params":"depth","was":"3"}` {
			t.Errorf("%+v", events)
		}
		// The correction is what is logged from now on.
		must(t, s.Log(ctx, r.ID, track.Batch{Params: []track.Param{{Key: "lr", Value: "0.01"}}}))
		var taken *track.ParamError
		if err := s.Log(ctx, r.ID, track.Batch{Params: []track.Param{{Key: "lr", Value: "0.1"}}}); !errors.As(err, &taken) {
			t.Error(err)
		}

		must(t, s.Delete(ctx, r.ID))
		wantError[*track.DeletedError](t, s.SetParam(ctx, r.ID, track.Param{Key: "lr", Value: "1"}), errs.Conflict, "run "+r.ID+" is deleted")
		for _, kind := range []track.Kind{track.Pipeline, track.Stage, track.Trial} {
			r := create(t, s, track.Run{Kind: kind, Params: []track.Param{{Key: "lr", Value: "1"}}})
			for _, err := range []error{
				s.SetParam(ctx, r.ID, track.Param{Key: "lr", Value: "2"}), s.DeleteParam(ctx, r.ID, "lr"), s.ChangeMetric(ctx, r.ID, "loss", keep(none)),
			} {
				if !errs.Is(err, errs.Conflict) || !strings.Contains(err.Error(), "the engine recorded of a "+string(kind)) {
					t.Errorf("%s: %v", kind, err)
				}
			}
		}
	})
}

func TestCorrectMetrics(t *testing.T) {
	t.Parallel()
	everyStore(t, func(t *testing.T, fresh freshStore) {
		s, ctx := fresh(t), t.Context()
		r := create(t, s, track.Run{})
		m, err := s.CreateLoggedModel(ctx, track.LoggedModel{Run: r.ID, ExperimentID: r.ExperimentID, Name: "m"})
		must(t, err)
		// Enough that there are blocks and tails, of two series.
		var want float64
		for i := range int64(3 * maxTails / 2) {
			must(t, s.Log(ctx, r.ID, track.Batch{Metrics: []track.Metric{
				{Key: "loss", Step: i, Timestamp: 10 * i, Value: float64(i)}, {Key: "acc", Step: i, Timestamp: i, Value: 1},
			}}))
			want += float64(i)
		}
		last := int64(3*maxTails/2 - 1)
		must(t, s.Log(ctx, r.ID, track.Batch{Metrics: []track.Metric{{Key: "loss", Step: 999, Timestamp: 99999, Value: 7, Model: m.ID}, {Key: "auc", Value: 1, Model: m.ID}}}))

		sum := func(key string) (total float64, count int) {
			t.Helper()
			points, err := s.History(ctx, r.ID, key)
			must(t, err)
			for _, p := range points {
				total += p.Value
			}
			return total, len(points)
		}
		// One value: the rest stays.
		must(t, s.ChangeMetric(ctx, r.ID, "loss", func(have []track.Metric) ([]track.Metric, error) {
			have[len(have)-1].Value = -1
			return have, nil
		}))
		if total, n := sum("loss"); n != int(last)+2 || total != want-1 {
			t.Error(total, n)
		}
		got, err := s.Run(ctx, r.ID)
		must(t, err)
		if l, _ := got.Metric("loss"); l.Value != -1 || l.Min != -1 || l.Max != track.Value(last) || l.Step != 999 || l.Count != last+2 {
			t.Errorf("%+v", l)
		}
		models, err := s.LoggedModel(ctx, m.ID)
		must(t, err)
		if fmt.Sprint(len(models.Metrics), models.Metrics[len(models.Metrics)-1].Value) != "2 -1" {
			t.Errorf("%+v", models.Metrics)
		}
		// A part: those from a step on.
		must(t, s.ChangeMetric(ctx, r.ID, "loss", keep(func(m track.Metric) bool { return m.Step < 10 })))
		if total, n := sum("loss"); n != 10 || total != 45 {
			t.Error(total, n)
		}
		if total, n := sum("acc"); n != int(last)+1 || total != float64(n) {
			t.Errorf("another series changed: %v %d", total, n)
		}
		// What is logged next goes on behind what is there now.
		must(t, s.Log(ctx, r.ID, track.Batch{Metrics: []track.Metric{{Key: "loss", Step: track.NextStep, Value: math.NaN(), Timestamp: 5}, {Key: "loss", Step: 3, Timestamp: 30, Value: 3}}}))
		points, err := s.History(ctx, r.ID, "loss")
		must(t, err)
		if len(points) != 11 || points[1].Step != 10 {
			t.Errorf("%+v", points)
		}
		// All of it.
		must(t, s.ChangeMetric(ctx, r.ID, "loss", keep(none)))
		must(t, s.ChangeMetric(ctx, r.ID, "auc", keep(none)))
		got, err = s.Run(ctx, r.ID)
		must(t, err)
		if len(got.Metrics) != 1 || got.Metrics[0].Key != "acc" {
			t.Errorf("%+v", got.Metrics)
		}
		if models, err = s.LoggedModel(ctx, m.ID); err != nil || len(models.Metrics) != 0 {
			t.Errorf("%+v %v", models.Metrics, err)
		}
		if err := s.ChangeMetric(ctx, r.ID, "los", keep(none)); !errs.Is(err, errs.NotFound) {
			t.Error(err)
		}
		// Anew, in no order and with one point twice; and many points.
		must(t, s.ChangeMetric(ctx, r.ID, "loss", func([]track.Metric) ([]track.Metric, error) {
			return []track.Metric{{Step: 2, Value: 2}, {Step: 1, Value: 1}, {Step: 2, Value: 2}}, nil
		}))
		must(t, s.ChangeMetric(ctx, r.ID, "acc", func([]track.Metric) (list []track.Metric, err error) {
			for i := range int64(3 * maxBlock) {
				list = append(list, track.Metric{Step: i, Value: 2})
			}
			return list, nil
		}))
		if total, n := sum("loss"); n != 2 || total != 3 {
			t.Error(total, n)
		}
		if total, n := sum("acc"); n != 3*maxBlock || total != float64(2*n) {
			t.Error(total, n)
		}
	})
}

// Two copies of a run: what was corrected later counts, and what was corrected in
// neither is joined.
func TestCorrectionsTravel(t *testing.T) {
	t.Parallel()
	everyStore(t, func(t *testing.T, fresh freshStore) {
		ctx := t.Context()
		a, b, c := fresh(t), fresh(t), fresh(t)
		r := create(t, a, track.Run{Params: []track.Param{{Key: "lr", Value: "1"}, {Key: "wrong", Value: "x"}, {Key: "both", Value: "0"}}})
		must(t, a.Finish(ctx, r.ID, track.Finished, track.Batch{Metrics: []track.Metric{{Key: "loss", Step: 0, Value: 3}, {Key: "acc", Value: 1}, {Key: "bad", Value: 1}}}))
		old := record(t, a, r.ID)
		take(t, b, old)
		must(t, a.SetParam(ctx, r.ID, track.Param{Key: "lr", Value: "2"}))
		must(t, a.DeleteParam(ctx, r.ID, "wrong"))
		must(t, a.SetParam(ctx, r.ID, track.Param{Key: "both", Value: "a"}))
		must(t, a.ChangeMetric(ctx, r.ID, "bad", keep(none)))
		pause(t, a)
		must(t, b.Log(ctx, r.ID, track.Batch{Metrics: []track.Metric{{Key: "acc", Step: 1, Value: 2}}}))
		must(t, b.SetParam(ctx, r.ID, track.Param{Key: "both", Value: "b"}))
		must(t, b.ChangeMetric(ctx, r.ID, "loss", func([]track.Metric) ([]track.Metric, error) { return []track.Metric{{Step: 5, Value: 9}}, nil }))

		fromA, fromB := record(t, a, r.ID), record(t, b, r.ID)
		take(t, a, fromB)
		take(t, b, fromA)
		take(t, c, fromB, old, fromA)
		one := string(record(t, a, r.ID))
		for _, other := range []*Service{b, c} {
			if two := string(record(t, other, r.ID)); one != two {
				t.Errorf("the copies differ:\n%s\n%s", one, two)
			}
		}
		take(t, a, old) // what was wrong does not come back
		if again := string(record(t, a, r.ID)); again != one {
			t.Errorf("an old copy undid it:\n%s\n%s", one, again)
		}
		got, err := a.Run(ctx, r.ID)
		must(t, err)
		if fmt.Sprint(got.Params) != "[{both b} {lr 2}]" || len(got.Metrics) != 2 {
			t.Errorf("%+v", got)
		}
		if m, _ := got.Metric("acc"); m.Count != 2 {
			t.Errorf("%+v", m)
		}
		if m, _ := got.Metric("loss"); m.Count != 1 || m.Value != 9 {
			t.Errorf("%+v", m)
		}
	})
}
