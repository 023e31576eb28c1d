package trackdb

import (
	"context"
	"fmt"
	"math"
	"sync"
	"testing"
	"time"

	"github.com/mlops-cli/mlops/pkg/clock"
	"github.com/mlops-cli/mlops/pkg/db"
	"github.com/mlops-cli/mlops/pkg/db/dbtest"
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/track"
)

// over is the service that ada uses.
func over(d *db.DB) *Service { return New(d, clock.System{}).As("ada") }

// freshStore makes an empty store.
type freshStore func(tb testing.TB) *Service

// everyStore runs a test on each kind of database.
func everyStore(t *testing.T, run func(t *testing.T, fresh freshStore)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		run(t, newService)
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		run(t, func(tb testing.TB) *Service {
			tb.Helper()
			return over(dbtest.Postgres(tb)(tb))
		})
	})
}

func newService(tb testing.TB) *Service {
	tb.Helper()
	return over(dbtest.SQLite(tb)(tb))
}

func create(t *testing.T, s *Service, run track.Run) track.Run {
	t.Helper()
	got, err := s.Create(t.Context(), run)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantKind(t *testing.T, err error, k errs.Kind) {
	t.Helper()
	if errs.KindOf(err) != k || err == nil {
		t.Fatalf("error %v, want kind %s", err, k)
	}
}

func TestARunKeepsWhatWasLogged(t *testing.T) {
	t.Parallel()
	everyStore(t, func(t *testing.T, fresh freshStore) {
		s := fresh(t)
		ctx := t.Context()
		r := create(t, s, track.Run{
			Experiment: "digits", Kind: track.Pipeline, Command: []string{"mlops", "run"}, Source: "mlops.yaml",
			Git: track.Git{Commit: "abc", Branch: "main", Dirty: true}, Environment: map[string]string{"os": "linux"},
			Params: []track.Param{{Key: "lr", Value: "0.1"}}, Tags: []track.Tag{{Key: "team", Value: "vision"}},
		})
		asset := track.Asset{Path: "model.pkl", Role: track.Output, Kind: "file", ID: oid.Sum([]byte("m")), Size: 1, Files: 1}
		must(t, s.Log(ctx, r.ID, track.Batch{
			Params:  []track.Param{{Key: "depth", Value: "3"}},
			Metrics: []track.Metric{{Key: "loss", Value: 0.5, Timestamp: 10, Step: 1}, {Key: "loss", Value: 0.2, Timestamp: 20, Step: 2}, {Key: "acc", Value: math.NaN(), Timestamp: 20}},
			Assets:  []track.Asset{asset},
		}))
		must(t, s.Finish(ctx, r.ID, track.Finished, track.Batch{
			Metrics: []track.Metric{{Key: "loss", Value: 0.3, Timestamp: 30, Step: 3}, {Key: "gain", Value: math.Inf(1), Timestamp: 30}},
			Stages:  []track.StageRecord{{Name: "train", Action: "ran", Reasons: []string{"never ran"}, Seconds: 1.5, Log: asset.ID}},
		}))
		got, err := s.Run(ctx, r.ID)
		must(t, err)
		if got.Status != track.Finished || got.EndTime < got.StartTime || got.User != "ada" || !got.Git.Dirty || got.Environment["os"] != "linux" || got.Command[1] != "run" {
			t.Errorf("run %+v", got)
		}
		if v, _ := got.Param("depth"); v != "3" || len(got.Params) != 2 {
			t.Errorf("params %v", got.Params)
		}
		loss, _ := got.Metric("loss")
		if loss.Value != 0.3 || loss.Min != 0.2 || loss.Max != 0.5 || loss.Count != 3 || loss.Step != 3 {
			t.Errorf("loss %+v", loss)
		}
		if gain, _ := got.Metric("gain"); !math.IsInf(float64(gain.Value), 1) {
			t.Errorf("gain %+v", gain)
		}
		if acc, _ := got.Metric("acc"); !math.IsNaN(float64(acc.Value)) || acc.Count != 1 {
			t.Errorf("acc %+v", acc)
		}
		if len(got.Assets) != 1 || got.Assets[0] != asset || len(got.Stages) != 1 || got.Stages[0].Log != asset.ID || got.Stages[0].Reasons[0] != "never ran" {
			t.Errorf("assets %v, stages %v", got.Assets, got.Stages)
		}
		events, err := s.Events(ctx, track.EventQuery{Subject: r.ID})
		must(t, err)
		if len(events) != 2 || events[0].Kind != "run.created" || events[1].Kind != "run.finished" || events[0].By != "ada" {
			t.Errorf("events %v", events)
		}
	})
}

func TestAFinishedRunChangesOnlyItsTagsAndNote(t *testing.T) {
	t.Parallel()
	everyStore(t, func(t *testing.T, fresh freshStore) {
		s := fresh(t)
		ctx := t.Context()
		r := create(t, s, track.Run{Kind: track.Pipeline})
		must(t, s.Finish(ctx, r.ID, track.Failed, track.Batch{}))
		wantKind(t, s.Log(ctx, r.ID, track.Batch{Metrics: []track.Metric{{Key: "a"}}}), errs.Conflict)
		wantKind(t, s.Log(ctx, r.ID, track.Batch{Params: []track.Param{{Key: "a"}}}), errs.Conflict)
		wantKind(t, s.Finish(ctx, r.ID, track.Finished, track.Batch{}), errs.Conflict)
		must(t, s.SetTags(ctx, r.ID, []track.Tag{{Key: "k", Value: "1"}, {Key: "k", Value: "2"}}))
		must(t, s.SetNote(ctx, r.ID, "looks wrong"))
		must(t, s.Rename(ctx, r.ID, "first"))
		got, err := s.Run(ctx, r.ID)
		must(t, err)
		if got.Note != "looks wrong" || len(got.Tags) != 1 || got.Tags[0].Value != "2" || got.Name != "first" {
			t.Errorf("run %+v", got)
		}
		wantKind(t, s.DeleteTags(ctx, r.ID, []string{"kk"}), errs.NotFound)
		must(t, s.DeleteTags(ctx, r.ID, []string{"k"}))
		must(t, s.Delete(ctx, r.ID))
		wantKind(t, s.SetNote(ctx, r.ID, "x"), errs.Conflict)
		if runs, err := s.Runs(ctx, track.Query{}); err != nil || len(runs) != 0 {
			t.Errorf("deleted run is listed: %v %v", runs, err)
		}
		must(t, s.Restore(ctx, r.ID))
		if runs, err := s.Runs(ctx, track.Query{}); err != nil || len(runs) != 1 || len(runs[0].Tags) != 0 {
			t.Errorf("restored run: %v %v", runs, err)
		}
	})
}

func TestAParamKeepsItsValueAndABatchIsAllOrNothing(t *testing.T) {
	t.Parallel()
	everyStore(t, func(t *testing.T, fresh freshStore) {
		s := fresh(t)
		ctx := t.Context()
		r := create(t, s, track.Run{})
		must(t, s.Log(ctx, r.ID, track.Batch{Params: []track.Param{{Key: "lr", Value: "1"}}}))
		must(t, s.Log(ctx, r.ID, track.Batch{Params: []track.Param{{Key: "lr", Value: "1"}}}))
		wantKind(t, s.Log(ctx, r.ID, track.Batch{
			Params:  []track.Param{{Key: "new", Value: "1"}, {Key: "lr", Value: "2"}},
			Metrics: []track.Metric{{Key: "m"}},
		}), errs.Conflict)
		got, err := s.Run(ctx, r.ID)
		must(t, err)
		if len(got.Params) != 1 || len(got.Metrics) != 0 {
			t.Errorf("part of a refused batch stayed: %+v", got)
		}
		for _, b := range []track.Batch{
			{Metrics: []track.Metric{{Key: "a@b"}}},
			{Params: []track.Param{{Key: "../x"}}},
			{Tags: []track.Tag{{Key: ""}}},
		} {
			wantKind(t, s.Log(ctx, r.ID, b), errs.Usage)
		}
		wantKind(t, s.Log(ctx, track.NewID(), track.Batch{}), errs.NotFound)
	})
}

func TestSeriesDropExactDuplicatesAndKeepOrder(t *testing.T) {
	t.Parallel()
	everyStore(t, func(t *testing.T, fresh freshStore) {
		s := fresh(t)
		ctx := t.Context()
		r := create(t, s, track.Run{})
		var points []track.Metric
		for i := range 1000 {
			points = append(points, track.Metric{Key: "loss", Value: 1 / float64(i+1), Timestamp: int64(i), Step: int64(i)})
		}
		must(t, s.Log(ctx, r.ID, track.Batch{Metrics: points}))
		must(t, s.Log(ctx, r.ID, track.Batch{Metrics: points[10:500]}))
		must(t, s.Log(ctx, r.ID, track.Batch{Metrics: []track.Metric{{Key: "loss", Value: math.NaN(), Step: 5, Timestamp: 5}}}))
		h, err := s.History(ctx, r.ID, "loss")
		must(t, err)
		if len(h) != 1001 || h[0].Value != 1 || h[1000].Step != 999 || !math.IsNaN(h[6].Value) {
			t.Fatalf("%d points, %v … %v", len(h), h[6], h[len(h)-1])
		}
		got, err := s.Run(ctx, r.ID)
		must(t, err)
		if m := got.Metrics[0]; m.Count != 1001 || m.Step != 999 || m.Max != 1 || m.Min != 0.001 {
			t.Errorf("summary %+v", m)
		}
	})
}

func TestTheNextStepFollowsTheLast(t *testing.T) {
	t.Parallel()
	everyStore(t, func(t *testing.T, fresh freshStore) {
		s := fresh(t)
		ctx := t.Context()
		r := create(t, s, track.Run{})
		next := track.Metric{Key: "loss", Step: track.NextStep}
		must(t, s.Log(ctx, r.ID, track.Batch{Metrics: []track.Metric{next, next, {Key: "loss", Step: 9}, next, {Key: "acc", Step: track.NextStep}}}))
		must(t, s.Log(ctx, r.ID, track.Batch{Metrics: []track.Metric{next}}))
		h, err := s.History(ctx, r.ID, "loss")
		must(t, err)
		var steps []int64
		for _, m := range h {
			steps = append(steps, m.Step)
		}
		if fmt.Sprint(steps) != "[0 1 9 10 11]" {
			t.Errorf("steps %v", steps)
		}
	})
}

func TestRunsAreFoundByPrefixAndName(t *testing.T) {
	t.Parallel()
	everyStore(t, func(t *testing.T, fresh freshStore) {
		s := fresh(t)
		ctx := t.Context()
		a := create(t, s, track.Run{ID: "abcd0000000000000000000000000000", Name: "baseline"})
		create(t, s, track.Run{ID: "abcd1000000000000000000000000000", Name: "twice"})
		create(t, s, track.Run{ID: "ffff1000000000000000000000000000", Name: "twice"})
		for _, ref := range []string{a.ID, "abcd0", "ABCD0", "baseline"} {
			if id, err := s.Resolve(ctx, ref); err != nil || id != a.ID {
				t.Errorf("%s: %s %v", ref, id, err)
			}
		}
		for _, ref := range []string{"abcd", "twice"} {
			_, err := s.Resolve(ctx, ref)
			wantKind(t, err, errs.Conflict)
			if len(errs.Hints(err)) != 2 {
				t.Errorf("%s: hints %q", ref, errs.Hints(err))
			}
		}
		_, err := s.Resolve(ctx, "baselin")
		wantKind(t, err, errs.NotFound)
		if h := errs.Hints(err); len(h) == 0 || h[0] != "did you mean baseline?" {
			t.Errorf("hints %q", h)
		}
		_, err = s.Create(ctx, track.Run{ID: a.ID})
		wantKind(t, err, errs.Conflict)
	})
}

func TestARunWhoseProcessIsGoneIsKilled(t *testing.T) {
	t.Parallel()
	everyStore(t, func(t *testing.T, fresh freshStore) {
		s := fresh(t)
		ctx := t.Context()
		gone := map[int]bool{}
		s.alive = func(p track.Process) bool { return !gone[p.PID] }
		here, elsewhere := hostname(), "another-host"
		dead := create(t, s, track.Run{Kind: track.Pipeline, StartTime: 1000, Process: track.Process{Host: here, PID: 11, Started: "1"}})
		other := create(t, s, track.Run{Kind: track.Pipeline, Process: track.Process{Host: elsewhere, PID: 11, Started: "1"}})
		script := create(t, s, track.Run{})
		mine := create(t, s, track.Run{Kind: track.Pipeline})
		must(t, s.Log(ctx, dead.ID, track.Batch{Metrics: []track.Metric{{Key: "a", Timestamp: time.Now().UnixMilli() + 5000}}}))
		gone[11] = true
		runs, err := s.Runs(ctx, track.Query{})
		must(t, err)
		for _, r := range runs {
			want := track.Running
			if r.ID == dead.ID {
				want = track.Killed
				if r.EndTime <= time.Now().UnixMilli() {
					t.Errorf("ends %d, before the last it recorded", r.EndTime)
				}
			}
			if r.Status != want {
				t.Errorf("run %s is %s, want %s", r.Name, r.Status, want)
			}
		}
		if len(runs) != 4 || other.ID == "" || script.ID == "" || mine.ID == "" {
			t.Errorf("%d runs", len(runs))
		}
	})
}

func TestThisProcessIsAliveAndAnotherWithItsNumberIsNot(t *testing.T) {
	t.Parallel()
	p := thisProcess()
	if !alive(p) {
		t.Fatal("this process counts as gone")
	}
	if p.Started == "" {
		t.Skip("no start times on this system")
	}
	p.Started += "0"
	if alive(p) {
		t.Error("another process with the same number counts as this one")
	}
	if alive(track.Process{Host: p.Host, PID: 1 << 30, Started: "1"}) {
		t.Error("a process that never was counts as alive")
	}
}

func TestManyWritersAtOnce(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, open dbtest.Opener) {
		services := []*Service{over(open(t)), over(open(t)), over(open(t)), over(open(t))}
		r := create(t, services[0], track.Run{})
		var wg sync.WaitGroup
		for w, s := range services {
			wg.Go(func() {
				for i := range 25 {
					if err := s.Log(context.WithoutCancel(t.Context()), r.ID, track.Batch{
						Metrics: []track.Metric{{Key: fmt.Sprintf("w%d", w), Step: int64(i)}, {Key: "all", Step: int64(i), Value: float64(w)}},
					}); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		got, err := services[3].Run(t.Context(), r.ID)
		must(t, err)
		if all, _ := got.Metric("all"); all.Count != 100 || len(got.Metrics) != 5 {
			t.Errorf("metrics %+v", got.Metrics)
		}
	})
}

func TestListsAreTheNewestFirstAndFiltered(t *testing.T) {
	t.Parallel()
	everyStore(t, func(t *testing.T, fresh freshStore) {
		s := fresh(t)
		ctx := t.Context()
		for i := range 300 {
			r := create(t, s, track.Run{
				Name: fmt.Sprintf("run-%d", i), StartTime: int64(i + 1), Experiment: []string{"a", "b"}[i%2],
				Params: []track.Param{{Key: "i", Value: fmt.Sprint(i)}},
			})
			if i%3 == 0 {
				must(t, s.Finish(ctx, r.ID, track.Finished, track.Batch{Metrics: []track.Metric{{Key: "m", Value: float64(i)}}}))
			}
		}
		all, err := s.Runs(ctx, track.Query{})
		must(t, err)
		if len(all) != 300 || all[0].Name != "run-299" || all[0].Params[0].Value != "299" || all[2].Metrics[0].Value != 297 {
			t.Fatalf("%d runs, first %+v", len(all), all[0])
		}
		some, err := s.Runs(ctx, track.Query{Experiment: "b", Statuses: []track.Status{track.Finished}, Limit: 2})
		must(t, err)
		if len(some) != 2 || some[0].Name != "run-297" || some[1].Name != "run-291" || some[1].Params[0].Value != "291" {
			t.Errorf("runs %+v", some)
		}
		experiments, err := s.Experiments(ctx)
		must(t, err)
		if len(experiments) != 3 || experiments[1].Name != "a" || experiments[1].Runs != 150 {
			t.Errorf("experiments %+v", experiments)
		}
	})
}
