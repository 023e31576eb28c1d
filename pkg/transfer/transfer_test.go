package transfer_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/transfer"
	"github.com/mlops-cli/mlops/pkg/tree"
)

func TestPushThenFetchBringsEverythingBack(t *testing.T) {
	t.Parallel()
	a, b := newSite(t), newSite(t)
	bk, _ := bucket(t)
	files := many(1, 700)
	files["middle"] = blob(5000, 300<<10)
	files["large"] = blob(5001, 9<<20)
	files["empty"] = nil
	files["twice"] = files["middle"]
	data, model := a.dir("data", files), a.file("model.bin", blob(5002, 20<<20))
	sum := a.push(bk, data, model)
	if sum.Objects < 703 || sum.Bytes < 29<<20 {
		t.Errorf("pushed %+v", sum)
	}
	got := b.fetch(bk, data, model)
	b.whole(data)
	b.whole(model)
	if got.Objects != sum.Objects {
		t.Errorf("fetched %d objects of %d", got.Objects, sum.Objects)
	}
	if sum.Requests > 20 || got.Requests > 20 {
		t.Errorf("%d and %d requests for %d files", sum.Requests, got.Requests, len(files))
	}
}

func TestNothingToDoCostsThreeRequests(t *testing.T) {
	t.Parallel()
	a, b := newSite(t), newSite(t)
	bk, _ := bucket(t)
	data := a.dir("data", many(1, 300))
	for i := range 5 {
		a.push(bk, data, a.file("f", blob(uint64(9000+i), 100)))
	}
	b.fetch(bk, data)
	if s := a.push(bk, data); s.Requests > 3 || s.Objects != 0 {
		t.Errorf("no-op push: %+v", s)
	}
	sum, err := b.over(bk).Fetch(t.Context(), transfer.FetchRequest{Selection: transfer.Selection{Objects: []repo.Object{data}}, Runs: &fakeRuns{}})
	check(t, err)
	if sum.Requests > 3 || sum.Objects != 0 {
		t.Errorf("no-op fetch: %+v", sum)
	}
	// A site that knows nothing of the remote yet pushes the same for little.
	fresh := newSite(t)
	same := fresh.dir("data", many(1, 300))
	if s := fresh.push(bk, same); s.Objects != 0 {
		t.Errorf("what the log has was pushed again: %+v", s)
	}
}

func TestChangeSendsOnlyTheChange(t *testing.T) {
	t.Parallel()
	a := newSite(t)
	bk, _ := bucket(t)
	files := many(1, 3000)
	a.push(bk, a.dir("data", files))
	files["d3/f150"] = []byte("changed")
	v2 := a.dir("data", files)
	s := a.push(bk, v2)
	if s.Objects > 4 || s.Bytes > 200<<10 {
		t.Errorf("one file of 3000 changed, pushed %+v", s)
	}
	b := newSite(t)
	b.fetch(bk, v2)
	b.whole(v2)
}

func TestFetchPartOfADirectory(t *testing.T) {
	t.Parallel()
	a, b := newSite(t), newSite(t)
	bk, _ := bucket(t)
	files := map[string][]byte{}
	for i := range 1000 {
		files[fmt.Sprintf("d%d/f%d", i/50, i)] = blob(uint64(i), 10<<10)
	}
	data := a.dir("data", files)
	a.push(bk, data)
	sum, err := b.over(bk).Fetch(t.Context(), transfer.FetchRequest{Selection: transfer.Selection{
		Parts: []transfer.PartOf{{Dir: data, Path: "d3/f150"}, {Dir: data, Path: "d7"}},
	}})
	check(t, err)
	for name, data := range files {
		wanted := name == "d3/f150" || strings.HasPrefix(name, "d7/")
		if wanted && !b.st.Has(oid.Sum(data)) {
			t.Errorf("%s is missing", name)
		}
	}
	if sum.Bytes > 2<<20 {
		t.Errorf("51 files cost %d bytes", sum.Bytes)
	}
	_, err = b.over(bk).Fetch(t.Context(), transfer.FetchRequest{Selection: transfer.Selection{
		Parts: []transfer.PartOf{{Dir: data, Path: "d3/none"}},
	}})
	if !errs.Is(err, errs.NotFound) {
		t.Errorf("a path that is not there: %v", err)
	}
}

func TestMissingHereNamesPathsAndLogsNothing(t *testing.T) {
	t.Parallel()
	a, b := newSite(t), newSite(t)
	bk, _ := bucket(t)
	files := many(1, 3000)
	data := a.dir("data", files)
	// b gets the directory's nodes, but not its files.
	a.push(bk, data)
	_, err := b.over(bk).Fetch(t.Context(), transfer.FetchRequest{Selection: transfer.Selection{Parts: []transfer.PartOf{{Dir: data, Path: "d0/f0"}}}})
	check(t, err)
	other, dir := bucket(t)
	_, err = b.over(other).Push(t.Context(), transfer.PushRequest{Objects: []repo.Object{data}})
	if !errs.Is(err, errs.NotFound) || !strings.Contains(err.Error(), "data") || len(errs.Hints(err)) == 0 {
		t.Fatalf("got %v", err)
	}
	if names, err := os.ReadDir(filepath.Join(dir, "log")); err == nil && len(names) > 0 {
		t.Errorf("something was logged: %v", names)
	}
	lone := repo.Object{Path: "gone.bin", Kind: tree.File, ID: oid.Sum([]byte("never stored"))}
	_, err = b.over(other).Push(t.Context(), transfer.PushRequest{Objects: []repo.Object{lone}})
	if err == nil || !strings.Contains(err.Error(), "gone.bin") {
		t.Errorf("got %v", err)
	}
	_, err = b.over(bk).Fetch(t.Context(), request(lone))
	if !errs.Is(err, errs.NotFound) || !strings.Contains(err.Error(), "gone.bin") {
		t.Errorf("fetch of what nobody has: %v", err)
	}
	empty, _ := bucket(t)
	_, err = b.over(empty).Fetch(t.Context(), request(lone))
	if !errs.Is(err, errs.NotFound) || !strings.Contains(err.Error(), "nothing was pushed") {
		t.Errorf("fetch from an empty remote: %v", err)
	}
}

// TestDirectoryUpdatedWithoutTheRest pushes a new version of a directory of
// which only the changed file is here.
func TestDirectoryUpdatedWithoutTheRest(t *testing.T) {
	t.Parallel()
	a, b, c := newSite(t), newSite(t), newSite(t)
	bk, _ := bucket(t)
	files := many(1, 2000)
	data := a.dir("data", files)
	a.push(bk, data)
	_, err := b.over(bk).Fetch(t.Context(), transfer.FetchRequest{Selection: transfer.Selection{Parts: []transfer.PartOf{{Dir: data, Path: "d1/f60"}}}})
	check(t, err)
	bt, err := b.st.NewBatch(t.Context())
	check(t, err)
	id, err := bt.PutBytes([]byte("new"))
	check(t, err)
	root, err := tree.Update(t.Context(), b.st, bt, data.ID, map[string]*tree.Entry{"d1/f60": {Name: "f60", Kind: tree.File, Size: 3, Files: 1, ID: id}})
	check(t, err)
	check(t, bt.Commit())
	check(t, bt.Close())
	v2 := data
	v2.ID = root.ID
	b.push(bk, v2)
	c.fetch(bk, v2)
	c.whole(v2)
}

func TestPushesAtOnceBothFinish(t *testing.T) {
	t.Parallel()
	bk, dir := bucket(t)
	const n = 6
	objects := make([]repo.Object, n)
	var wg sync.WaitGroup
	for i := range n {
		s := newSite(t)
		objects[i] = s.dir(fmt.Sprintf("data%d", i), many(uint64(i*1000), 100))
		wg.Go(func() {
			if _, err := s.over(bk).Push(t.Context(), transfer.PushRequest{Objects: objects[i : i+1]}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	names, err := os.ReadDir(filepath.Join(dir, "log"))
	check(t, err)
	if len(names) != n {
		t.Errorf("%d log entries, want %d", len(names), n)
	}
	b := newSite(t)
	b.fetch(bk, objects...)
	for _, o := range objects {
		b.whole(o)
	}
}

func TestDryRunsWriteNothing(t *testing.T) {
	t.Parallel()
	a, b := newSite(t), newSite(t)
	bk, dir := bucket(t)
	data := a.dir("data", many(1, 120))
	sum, err := a.over(bk).Push(t.Context(), transfer.PushRequest{Objects: []repo.Object{data}, DryRun: true})
	check(t, err)
	if _, err := os.Stat(dir); err == nil {
		t.Error("a dry run began a remote")
	}
	real := a.push(bk, data)
	if sum.Objects != real.Objects || sum.Bytes != real.Bytes {
		t.Errorf("dry run says %+v, push %+v", sum, real)
	}
	req := request(data)
	req.DryRun = true
	dry, err := b.over(bk).Fetch(t.Context(), req)
	check(t, err)
	if dry.Objects+dry.Looked != real.Objects || dry.Looked == 0 || b.st.Has(oid.Sum(many(1, 120)["d0/f7"])) {
		t.Errorf("dry fetch says %+v of %d objects", dry, real.Objects)
	}
}

func TestManyPushesAreMerged(t *testing.T) {
	t.Parallel()
	a, b := newSite(t), newSite(t)
	bk, _ := bucket(t)
	var objects []repo.Object
	for i := range 25 {
		objects = append(objects, a.dir(fmt.Sprintf("d%d", i), many(uint64(i*100), 10)))
		a.push(bk, objects[i])
	}
	b.fetch(bk, objects...)
	for _, o := range objects {
		b.whole(o)
	}
	// Both the merged index and what came after it are known.
	last := a.dir("last", many(90000, 10))
	a.push(bk, last)
	b.fetch(bk, append(objects, last)...)
	b.whole(last)
}

func TestSummaryIsTheContract(t *testing.T) {
	t.Parallel()
	data, err := json.Marshal(transfer.Summary{})
	check(t, err)
	for _, key := range []string{"objects", "bytes", "requests", "seconds"} {
		if !strings.Contains(string(data), `"`+key+`"`) {
			t.Errorf("%s lacks %s", data, key)
		}
	}
}
