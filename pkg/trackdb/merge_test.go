package trackdb

import (
	"database/sql"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/mlops-cli/mlops/pkg/db"
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/track"
)

func record(t *testing.T, s *Service, id string) []byte {
	t.Helper()
	data, err := s.Record(t.Context(), id)
	must(t, err)
	return data
}

func take(t *testing.T, s *Service, records ...[]byte) {
	t.Helper()
	_, err := s.Import(t.Context(), records...)
	must(t, err)
}

func TestTwoCopiesOfAScriptBecomeTheirUnion(t *testing.T) {
	t.Parallel()
	everyStore(t, func(t *testing.T, fresh freshStore) {
		ctx := t.Context()
		a, b := fresh(t), fresh(t)
		r := create(t, a, track.Run{Params: []track.Param{{Key: "lr", Value: "1"}}})
		must(t, a.Finish(ctx, r.ID, track.Finished, track.Batch{Metrics: []track.Metric{{Key: "loss", Step: 0, Value: 3}}}))
		take(t, b, record(t, a, r.ID))

		file := func(path, text string) track.Asset {
			return track.Asset{Path: path, Kind: "file", ID: oid.Sum([]byte(text)), Size: 1, Files: 1}
		}
		// Both take it up again. B does so last.
		must(t, a.Update(ctx, r.ID, track.Update{Status: track.Running}))
		must(t, a.Log(ctx, r.ID, track.Batch{
			Params: []track.Param{{Key: "only-a", Value: "x"}, {Key: "both", Value: "from a"}}, Metrics: []track.Metric{{Key: "loss", Step: 1, Value: 2}},
			Datasets: []track.DatasetInput{{Dataset: track.Dataset{Name: "iris", Digest: "1"}}}, ModelOutputs: []track.ModelOutput{{Model: "m-1"}},
		}))
		must(t, a.PutArtifacts(ctx, track.Owner{ID: r.ID}, []track.Asset{file("a", "a"), file("both", "from a")}))
		must(t, a.Update(ctx, r.ID, track.Update{Status: track.Finished, EndTime: 111}))
		pause(t, a)
		must(t, b.Update(ctx, r.ID, track.Update{Status: track.Running}))
		must(t, b.Log(ctx, r.ID, track.Batch{
			Params: []track.Param{{Key: "both", Value: "from b"}}, Metrics: []track.Metric{{Key: "loss", Step: 1, Value: 2}, {Key: "loss", Step: 2, Value: 1}},
		}))
		must(t, b.PutArtifacts(ctx, track.Owner{ID: r.ID}, []track.Asset{file("both", "from b")}))
		must(t, b.Update(ctx, r.ID, track.Update{Status: track.Failed, EndTime: 222, Name: "late"}))

		fromA, fromB := record(t, a, r.ID), record(t, b, r.ID)
		take(t, a, fromB)
		take(t, b, fromA)
		if one, two := string(record(t, a, r.ID)), string(record(t, b, r.ID)); one != two {
			t.Errorf("the copies differ:\n%s\n%s", one, two)
		}
		got, err := a.Run(ctx, r.ID)
		must(t, err)
		if got.Status != track.Failed || got.EndTime != 222 || got.Name != "late" || fmt.Sprint(got.Params) != "[{both from b} {lr 1} {only-a x}]" ||
			len(got.Assets) != 2 || got.Assets[1].ID != oid.Sum([]byte("from b")) || len(got.Datasets) != 1 || len(got.ModelOutputs) != 1 {
			t.Errorf("merged %+v", got)
		}
		if m, _ := got.Metric("loss"); m.Count != 3 || m.Value != 1 {
			t.Errorf("loss %+v", m)
		}

		// A copy that is at work takes what an older one has, and goes on.
		must(t, a.Update(ctx, r.ID, track.Update{Status: track.Running}))
		take(t, a, fromB)
		if got, err = a.Run(ctx, r.ID); err != nil || got.Status != track.Running {
			t.Errorf("the older copy ended the run: %s %v", got.Status, err)
		}
		p := create(t, a, track.Run{Kind: track.Pipeline})
		must(t, a.Finish(ctx, p.ID, track.Finished, track.Batch{}))
		data := record(t, a, p.ID)
		running := create(t, b, track.Run{ID: p.ID, Kind: track.Pipeline})
		_, err = b.Import(ctx, data)
		wantKind(t, err, errs.Conflict)
		if got, err := b.Run(ctx, running.ID); err != nil || got.Status != track.Running {
			t.Errorf("%+v %v", got, err)
		}
	})
}

// pause waits until the clock shows another millisecond.
func pause(t *testing.T, s *Service) {
	t.Helper()
	for now := s.now(); s.now() == now; {
		if t.Context().Err() != nil {
			t.Fatal("the clock stands still")
		}
	}
}

func TestLoggedModelsTravelWithTheirRun(t *testing.T) {
	t.Parallel()
	everyStore(t, func(t *testing.T, fresh freshStore) {
		ctx := t.Context()
		a, b := fresh(t), fresh(t)
		r := create(t, a, track.Run{Experiment: "e"})
		m, err := a.CreateLoggedModel(ctx, track.LoggedModel{ExperimentID: r.ExperimentID, Name: "m", Run: r.ID, Params: []track.Param{{Key: "z", Value: "1"}, {Key: "a", Value: "2"}}})
		must(t, err)
		weights := track.Asset{Path: "model/weights", Kind: "file", ID: oid.Sum([]byte("w")), Size: 1, Files: 1}
		must(t, a.PutArtifacts(ctx, track.Owner{Model: true, ID: m.ID}, []track.Asset{weights}))
		must(t, a.Finish(ctx, r.ID, track.Finished, track.Batch{
			Metrics:      []track.Metric{{Key: "acc", Value: math.NaN(), Model: m.ID, Dataset: "iris"}},
			ModelOutputs: []track.ModelOutput{{Model: m.ID, Step: 1}},
		}))
		exports, err := a.Exports(ctx)
		must(t, err)
		if len(exports) != 1 || len(exports[0].Objects) != 1 || exports[0].Objects[0].ID != weights.ID {
			t.Fatalf("exports %+v", exports)
		}
		data := record(t, a, r.ID)
		if oid.Sum(data) != exports[0].Record {
			t.Error("the record is not the one of the export")
		}
		take(t, b, data)
		if string(record(t, b, r.ID)) != string(data) {
			t.Error("the record changed on its way")
		}
		got, err := b.LoggedModel(ctx, m.ID)
		must(t, err)
		if got.Name != "m" || got.Experiment != "e" || len(got.Params) != 2 || len(got.Metrics) != 1 || got.Metrics[0].Dataset != "iris" || got.Created != m.Created {
			t.Errorf("model %+v", got)
		}
		if w, err := b.Artifact(ctx, track.Owner{Model: true, ID: m.ID}, "model/weights"); err != nil || w.ID != weights.ID {
			t.Errorf("artifact %+v %v", w, err)
		}
		pause(t, a)
		must(t, b.SetLoggedModelTags(ctx, m.ID, []track.Tag{{Key: "k", Value: "v"}}))
		must(t, b.FinishLoggedModel(ctx, m.ID, track.ModelReady, ""))
		take(t, a, record(t, b, r.ID))
		if got, err := a.LoggedModel(ctx, m.ID); err != nil || got.Status != track.ModelReady || len(got.Tags) != 1 {
			t.Errorf("brought back: %+v %v", got, err)
		}
		must(t, a.DeleteLoggedModel(ctx, m.ID))
		take(t, a, record(t, b, r.ID))
		if _, err := a.LoggedModel(ctx, m.ID); !errs.Is(err, errs.NotFound) {
			t.Errorf("a deleted model came back: %v", err)
		}
	})
}

func TestAnImportGoesIntoADeletedExperiment(t *testing.T) {
	t.Parallel()
	everyStore(t, func(t *testing.T, fresh freshStore) {
		a, b := fresh(t), fresh(t)
		r := create(t, a, track.Run{Experiment: "e"})
		must(t, a.Finish(t.Context(), r.ID, track.Finished, track.Batch{}))
		e := experiment(t, b, "e")
		must(t, b.DeleteExperiment(t.Context(), e.ID))
		take(t, b, record(t, a, r.ID))
		if got, err := b.Run(t.Context(), r.ID); err != nil || !got.Deleted {
			t.Errorf("run %+v %v", got, err)
		}
		must(t, b.RestoreExperiment(t.Context(), e.ID))
		if got, err := b.Run(t.Context(), r.ID); err != nil || got.Deleted {
			t.Errorf("run %+v %v", got, err)
		}
		create(t, b, track.Run{Experiment: "e"})
	})
}

// TestRecordsOfOlderProgramsAreRead reads what the first release wrote.
func TestRecordsOfOlderProgramsAreRead(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(filepath.Join("testdata", "record-1.json"))
	must(t, err)
	everyStore(t, func(t *testing.T, fresh freshStore) {
		s := fresh(t)
		take(t, s, data)
		id := "0123456789abcdef0123456789abcdef"
		if got := record(t, s, id); string(got) != string(data) {
			t.Errorf("written again it is\n%s, was\n%s", got, data)
		}
	})
}

// TestPointsOfOlderProgramsAreReadAndFolded opens a database that has a row a
// point.
func TestPointsOfOlderProgramsAreReadAndFolded(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	path := filepath.Join(t.TempDir(), "index.db")
	files, err := db.Index()
	must(t, err)
	old := fstest.MapFS{}
	names, err := fs.Glob(files, "000[1-7]_*.sql")
	must(t, err)
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		must(t, err)
		old[name] = &fstest.MapFile{Data: text}
	}
	d, err := db.Open(ctx, path, db.Options{Migrations: old})
	must(t, err)
	must(t, d.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO runs (id, experiment, name, kind, status, start_time) VALUES ('0123456789abcdef0123456789abcdef', 0, 'old', 'script', 'RUNNING', 1);
			INSERT INTO series (id, run, key, value, timestamp, step, min, max, count) VALUES (1, 1, 'loss', 'NaN', 2, 2, 0.5, 0.5, 2);
			INSERT INTO points VALUES (1, 1, 1, 0.5), (1, 2, 2, 'NaN');`)
		return err
	}))
	must(t, d.Close())
	d, err = db.Open(ctx, path, db.Options{Migrations: files})
	must(t, err)
	defer func() { must(t, d.Close()) }()
	if _, err := os.Stat(db.BackupPath(path, 7)); err != nil {
		t.Error(err)
	}
	s := over(d)
	id := "0123456789abcdef0123456789abcdef"
	for step := range int64(2 * maxTails) {
		must(t, s.Log(ctx, id, track.Batch{Metrics: []track.Metric{{Key: "loss", Timestamp: step, Step: step, Value: 0.5}}}))
		points, err := s.History(ctx, id, "loss")
		must(t, err)
		want := int(step) + 3
		if step > 0 {
			want-- // the first step was there
		}
		if len(points) != want {
			t.Fatalf("after step %d there are %d points, want %d", step, len(points), want)
		}
	}
	var rows int
	must(t, d.QueryRowContext(ctx, "SELECT count(*) FROM points").Scan(&rows))
	if rows != 0 {
		t.Errorf("%d rows are left", rows)
	}
}
