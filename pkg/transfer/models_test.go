package transfer_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/registry"
	"github.com/mlops-cli/mlops/pkg/registrydb"
	"github.com/mlops-cli/mlops/pkg/transfer"
)

// fakeModels keeps records in memory.
type fakeModels struct {
	exports []registrydb.Export
	records map[oid.ID][]byte
	taken   []string
	between func() // while a push is under way
}

func (f *fakeModels) add(name string, number int, version, text string, files registry.Data) {
	if f.records == nil {
		f.records = map[oid.ID][]byte{}
	}
	e := registrydb.Export{Ref: registry.Ref{Name: name, Number: number}, Version: version, Record: oid.Sum([]byte(text)), Object: files}
	f.exports, f.records[e.Record] = append(f.exports, e), []byte(text)
}

func (f *fakeModels) Exports(context.Context) ([]registrydb.Export, error) { return f.exports, nil }

func (f *fakeModels) Record(_ context.Context, e registrydb.Export) ([]byte, error) {
	if f.between != nil {
		f.between()
	}
	return f.records[e.Record], nil
}

func (f *fakeModels) Import(_ context.Context, records ...[]byte) (registrydb.Imported, error) {
	for _, r := range records {
		f.taken = append(f.taken, string(r))
	}
	slices.Sort(f.taken)
	return registrydb.Imported{Added: len(records)}, nil
}

func TestModelsTravel(t *testing.T) {
	t.Parallel()
	a, b := newSite(t), newSite(t)
	bk, _ := bucket(t)
	files := a.dir("model", many(1, 30))
	models := &fakeModels{}
	models.add("churn", 0, "", "churn", registry.Data{})
	models.add("churn", 1, "x", "churn 1", registry.Data{Path: "model", Kind: "dir", ID: files.ID})
	sum, err := a.over(bk).Push(t.Context(), transfer.PushRequest{Models: models})
	check(t, err)
	if sum.Models != 2 {
		t.Errorf("pushed %+v", sum)
	}
	there := &fakeModels{}
	got, err := b.over(bk).Fetch(t.Context(), transfer.FetchRequest{Models: there})
	check(t, err)
	if got.Models != 2 || !slices.Equal(there.taken, []string{"churn", "churn 1"}) {
		t.Errorf("fetched %+v: %q", got, there.taken)
	}
	// Files come when they are asked for; nothing is taken in twice.
	there.exports, there.records = models.exports, models.records
	_, err = b.over(bk).Fetch(t.Context(), transfer.FetchRequest{Models: there, Runs: &fakeRuns{}, Artifacts: true})
	check(t, err)
	b.whole(files)
	back, err := b.over(bk).Push(t.Context(), transfer.PushRequest{Models: there})
	check(t, err)
	if len(there.taken) != 2 || back.Models != 0 || back.Requests > 3 {
		t.Errorf("%q, %+v", there.taken, back)
	}
	// A version whose files are nowhere is held back, the rest goes.
	there.add("churn", 2, "y", "churn 2", registry.Data{Path: "gone", Kind: "file", ID: oid.Sum([]byte("never stored"))})
	there.add("other", 0, "", "other", registry.Data{})
	back, err = b.over(bk).Push(t.Context(), transfer.PushRequest{Models: there})
	if !errs.Is(err, errs.Partial) || !strings.Contains(err.Error(), "churn/2") || back.Models != 1 {
		t.Errorf("pushed %+v: %v", back, err)
	}
}

// TestANumberIsOneVersion: who comes second is told, also when both push at once.
func TestANumberIsOneVersion(t *testing.T) {
	t.Parallel()
	a, b := newSite(t), newSite(t)
	bk, _ := bucket(t)
	mine, theirs := &fakeModels{}, &fakeModels{}
	mine.add("churn", 1, "mine", "mine 1", registry.Data{})
	mine.add("other", 1, "free", "free 1", registry.Data{})
	theirs.add("churn", 1, "theirs", "theirs 1", registry.Data{})
	raced := false
	mine.between = func() {
		if raced {
			return
		}
		raced = true
		_, err := b.over(bk).Push(t.Context(), transfer.PushRequest{Models: theirs})
		check(t, err)
	}
	sum, err := a.over(bk).Push(t.Context(), transfer.PushRequest{Models: mine})
	if !errs.Is(err, errs.Partial) || !strings.Contains(err.Error(), "churn/1 was registered elsewhere") || sum.Models != 1 {
		t.Errorf("pushed %+v: %v", sum, err)
	}
	// And again, now that the log is known.
	sum, err = a.over(bk).Push(t.Context(), transfer.PushRequest{Models: mine})
	if !errs.Is(err, errs.Partial) || sum.Models != 0 {
		t.Errorf("pushed %+v: %v", sum, err)
	}
	seen := &fakeModels{}
	_, err = newSite(t).over(bk).Fetch(t.Context(), transfer.FetchRequest{Models: seen})
	check(t, err)
	if !slices.Equal(seen.taken, []string{"free 1", "theirs 1"}) {
		t.Errorf("the remote has %q", seen.taken)
	}
	// Under its next number it goes.
	mine.exports = mine.exports[1:]
	mine.add("churn", 2, "mine", "mine 2", registry.Data{})
	sum, err = a.over(bk).Push(t.Context(), transfer.PushRequest{Models: mine})
	check(t, err)
	if sum.Models != 1 {
		t.Errorf("pushed %+v", sum)
	}
}
