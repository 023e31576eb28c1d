package transfer_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/track"
	"github.com/mlops-cli/mlops/pkg/trackdb"
	"github.com/mlops-cli/mlops/pkg/transfer"
)

// fakeRuns keeps records in memory.
type fakeRuns struct {
	records map[string][]byte
	objects map[string][]track.Asset
	imports int
}

func (f *fakeRuns) Exports(context.Context) ([]trackdb.Export, error) {
	var list []trackdb.Export
	for id, r := range f.records {
		list = append(list, trackdb.Export{RunID: id, Record: oid.Sum(r), Objects: f.objects[id]})
	}
	slices.SortFunc(list, func(a, b trackdb.Export) int { return strings.Compare(a.RunID, b.RunID) })
	return list, nil
}

func (f *fakeRuns) Record(_ context.Context, id string) ([]byte, error) { return f.records[id], nil }

func (f *fakeRuns) Import(_ context.Context, records ...[]byte) (int, error) {
	f.imports++
	if f.records == nil {
		f.records = map[string][]byte{}
	}
	added := 0
	for _, r := range records {
		id, _, _ := strings.Cut(string(r), " ")
		if _, ok := f.records[id]; !ok {
			added++
		}
		f.records[id] = r
	}
	return added, nil
}

func TestRunsTravel(t *testing.T) {
	t.Parallel()
	a, b := newSite(t), newSite(t)
	bk, _ := bucket(t)
	model := a.dir("model", many(1, 30))
	runs := &fakeRuns{
		records: map[string][]byte{"r1": []byte("r1 first"), "r2": []byte("r2 second")},
		objects: map[string][]track.Asset{"r1": {{Path: "model", Kind: "dir", ID: model.ID}}},
	}
	sum, err := a.over(bk).Push(t.Context(), transfer.PushRequest{Runs: runs})
	check(t, err)
	if sum.Runs != 2 {
		t.Errorf("pushed %+v", sum)
	}
	there := &fakeRuns{}
	got, err := b.over(bk).Fetch(t.Context(), transfer.FetchRequest{Runs: there})
	check(t, err)
	if got.Runs != 2 || string(there.records["r2"]) != "r2 second" {
		t.Errorf("fetched %+v: %q", got, there.records)
	}
	// What a run made comes when it is asked for.
	dry, err := b.over(bk).Fetch(t.Context(), transfer.FetchRequest{Runs: runs, Artifacts: true, DryRun: true})
	check(t, err)
	if dry.Objects == 0 || dry.Looked == 0 {
		t.Errorf("a dry run says %+v", dry)
	}
	there.objects = runs.objects
	_, err = b.over(bk).Fetch(t.Context(), transfer.FetchRequest{Runs: there, Artifacts: true})
	check(t, err)
	b.whole(model)
	there.objects = map[string][]track.Asset{"r2": {{Path: "gone", Kind: "file", ID: oid.Sum([]byte("never stored"))}}}
	_, err = b.over(bk).Fetch(t.Context(), transfer.FetchRequest{Runs: there, Artifacts: true})
	if !errs.Is(err, errs.Partial) || !strings.Contains(err.Error(), "1 object") {
		t.Errorf("an object that is nowhere: %v", err)
	}
	// Nothing new: no import, three requests, and no push back.
	got, err = b.over(bk).Fetch(t.Context(), transfer.FetchRequest{Runs: there})
	check(t, err)
	back, err := b.over(bk).Push(t.Context(), transfer.PushRequest{Runs: there})
	check(t, err)
	if there.imports != 1 || got.Requests > 3 || back.Runs != 0 {
		t.Errorf("%d imports, %+v, %+v", there.imports, got, back)
	}
	// An edited run travels again.
	there.records["r1"] = []byte("r1 edited")
	_, err = b.over(bk).Push(t.Context(), transfer.PushRequest{Runs: there})
	check(t, err)
	_, err = a.over(bk).Fetch(t.Context(), transfer.FetchRequest{Runs: runs})
	check(t, err)
	if string(runs.records["r1"]) != "r1 edited" {
		t.Errorf("%q", runs.records)
	}
}

func TestRunsWithoutTheirOutputsStay(t *testing.T) {
	t.Parallel()
	a, b := newSite(t), newSite(t)
	bk, _ := bucket(t)
	// Half of what r1 made is gone; it shares a node with nothing else.
	half := a.dir("half", many(1, 60))
	gone := oid.Sum([]byte("never stored"))
	runs := &fakeRuns{
		records: map[string][]byte{"r1": []byte("r1"), "r2": []byte("r2")},
		objects: map[string][]track.Asset{"r1": {{Path: "half", Kind: "dir", ID: half.ID}, {Path: "gone", Kind: "file", ID: gone}}},
	}
	data := a.dir("data", many(500, 60))
	_, err := a.over(bk).Push(t.Context(), transfer.PushRequest{Runs: runs, Objects: sliceOf(data)})
	if !errs.Is(err, errs.Partial) || !strings.Contains(err.Error(), "r1") {
		t.Fatalf("got %v", err)
	}
	there := &fakeRuns{}
	_, err = b.over(bk).Fetch(t.Context(), transfer.FetchRequest{Selection: transfer.Selection{Objects: sliceOf(data)}, Runs: there})
	check(t, err)
	b.whole(data)
	if len(there.records) != 1 {
		t.Errorf("runs %q arrived", there.records)
	}
	// A push that needs the nodes of the held run sends them, with what is below.
	a.push(bk, half)
	b.fetch(bk, half)
	b.whole(half)
}

func sliceOf[T any](v ...T) []T { return v }
