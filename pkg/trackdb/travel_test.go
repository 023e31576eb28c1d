package trackdb

import (
	"bytes"
	"math"
	"testing"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/track"
)

func finishedRun(t *testing.T, s *Service) track.Run {
	t.Helper()
	r := create(t, s, track.Run{
		Name: "first", Experiment: "digits", Kind: track.Pipeline, Command: []string{"mlops", "run", "<x>"}, Environment: map[string]string{"os": "linux", "cpu": "2"},
		Git: track.Git{Commit: "abc", Dirty: true}, Params: []track.Param{{Key: "lr", Value: "0.1"}}, Tags: []track.Tag{{Key: "team", Value: "vision"}, {Key: "old", Value: "x"}},
	})
	must(t, s.Finish(t.Context(), r.ID, track.Finished, track.Batch{
		Metrics: []track.Metric{{Key: "loss", Value: 0.1, Step: 1, Timestamp: 5}, {Key: "loss", Value: math.NaN(), Step: 2, Timestamp: 6}, {Key: "big", Value: math.Inf(-1), Step: 1 << 60}},
		Assets:  []track.Asset{{Path: "m", Role: track.Output, Kind: "dir", ID: oid.Sum([]byte("m")), Size: 4, Files: 2}, {Path: "d", Role: track.Input, Kind: "file", ID: oid.Sum([]byte("d"))}},
		Stages:  []track.StageRecord{{Name: "train", Action: "ran", Reasons: []string{"never ran"}, Log: oid.Sum([]byte("log")), Seconds: 0.25}},
	}))
	must(t, s.DeleteTags(t.Context(), r.ID, []string{"old"}))
	return r
}

func TestARunThatTravelledIsTheSameRun(t *testing.T) {
	t.Parallel()
	everyStore(t, func(t *testing.T, fresh freshStore) {
		here, there := fresh(t), fresh(t)
		ctx := t.Context()
		r := finishedRun(t, here)
		create(t, here, track.Run{Name: "still running"})
		exports, err := here.Exports(ctx)
		must(t, err)
		if len(exports) != 1 || exports[0].RunID != r.ID || len(exports[0].Objects) != 2 {
			t.Fatalf("exports %+v", exports)
		}
		data, err := here.Record(ctx, r.ID)
		must(t, err)
		if oid.Sum(data) != exports[0].Record {
			t.Error("the record has another id than was exported")
		}
		for i, want := range []int{1, 0} {
			if added, err := there.Import(ctx, data); err != nil || added != want {
				t.Errorf("import %d: %d new, %v", i, added, err)
			}
		}
		again, err := there.Record(ctx, r.ID)
		must(t, err)
		if !bytes.Equal(again, data) {
			t.Errorf("the record changed on the way:\n%s%s", data, again)
		}
		runs, err := there.Runs(ctx, track.Query{})
		must(t, err)
		if len(runs) != 1 || runs[0].Name != "first" || len(runs[0].Tags) != 1 {
			t.Errorf("runs %+v", runs)
		}
	})
}

func TestTagsAndNotesOfTwoCopiesMergeByTime(t *testing.T) {
	t.Parallel()
	everyStore(t, func(t *testing.T, fresh freshStore) {
		a, b := fresh(t), fresh(t)
		ctx := t.Context()
		r := finishedRun(t, a)
		data, err := a.Record(ctx, r.ID)
		must(t, err)
		_, err = b.Import(ctx, data)
		must(t, err)

		must(t, a.SetTags(ctx, r.ID, []track.Tag{{Key: "stage", Value: "dev", Time: 1}, {Key: "only-a", Value: "1"}}))
		must(t, b.SetTags(ctx, r.ID, []track.Tag{{Key: "stage", Value: "prod", Time: 2}, {Key: "old", Value: "back"}}))
		must(t, b.SetNote(ctx, r.ID, "the good one"))
		fromA, err := a.Record(ctx, r.ID)
		must(t, err)
		fromB, err := b.Record(ctx, r.ID)
		must(t, err)
		_, err = a.Import(ctx, fromB)
		must(t, err)
		_, err = b.Import(ctx, fromA)
		must(t, err)
		endA, err := a.Exports(ctx)
		must(t, err)
		endB, err := b.Exports(ctx)
		must(t, err)
		if endA[0].Record != endB[0].Record {
			t.Error("the copies differ after both heard of each other")
		}
		run, err := a.Run(ctx, r.ID)
		must(t, err)
		tags := map[string]string{}
		for _, tag := range run.Tags {
			tags[tag.Key] = tag.Value
		}
		if tags["stage"] != "prod" || tags["only-a"] != "1" || tags["old"] != "back" || run.Note != "the good one" {
			t.Errorf("tags %v, note %q", tags, run.Note)
		}
	})
}

func TestDeletedRunsDoNotTravelAndStayDeleted(t *testing.T) {
	t.Parallel()
	everyStore(t, func(t *testing.T, fresh freshStore) {
		s := fresh(t)
		ctx := t.Context()
		r := finishedRun(t, s)
		data, err := s.Record(ctx, r.ID)
		must(t, err)
		must(t, s.Delete(ctx, r.ID))
		if exports, err := s.Exports(ctx); err != nil || len(exports) != 0 {
			t.Errorf("exports %v %v", exports, err)
		}
		_, err = s.Import(ctx, data)
		must(t, err)
		if runs, err := s.Runs(ctx, track.Query{}); err != nil || len(runs) != 0 {
			t.Errorf("import brought a deleted run back: %v %v", runs, err)
		}
	})
}

func TestImportIsAllOrNothing(t *testing.T) {
	t.Parallel()
	everyStore(t, func(t *testing.T, fresh freshStore) {
		from, to := fresh(t), fresh(t)
		r := finishedRun(t, from)
		good, err := from.Record(t.Context(), r.ID)
		must(t, err)
		for _, bad := range []string{`{`, `{"mlops_run":2}`, `{"mlops_run":1,"run_id":"x"}`, `{"mlops_run":1}`} {
			if _, err := to.Import(t.Context(), good, []byte(bad)); err == nil || errs.Is(err, errs.Internal) {
				t.Errorf("%s: %v", bad, err)
			}
		}
		if runs, err := to.Runs(t.Context(), track.Query{}); err != nil || len(runs) != 0 {
			t.Errorf("%v %v", runs, err)
		}
	})
}
