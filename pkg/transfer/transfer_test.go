package transfer_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/fault"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/progress"
	"github.com/mlops-cli/mlops/pkg/remote"
	"github.com/mlops-cli/mlops/pkg/remote/file"
	"github.com/mlops-cli/mlops/pkg/remote/remotetest"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/store"
	"github.com/mlops-cli/mlops/pkg/transfer"
	"github.com/mlops-cli/mlops/pkg/tree"
)

// site is a repository on one machine.
type site struct {
	t  *testing.T
	r  *repo.Repo
	st *store.Store
}

func newSite(t *testing.T) *site {
	t.Helper()
	dir := t.TempDir()
	_, err := repo.Init(t.Context(), dir, repo.InitOptions{NoGit: true})
	check(t, err)
	r, err := repo.Find(t.Context(), dir)
	check(t, err)
	t.Cleanup(func() { check(t, r.Close()) })
	st, err := r.Store(t.Context())
	check(t, err)
	return &site{t, r, st}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%v\nhints: %q", err, errs.Hints(err))
	}
}

func blob(seed uint64, size int) []byte {
	b := make([]byte, size)
	r := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), byte(seed >> 16), 1})
	_, _ = r.Read(b)
	return b
}

// dir stores a directory of files and returns it as a tracked object.
func (s *site) dir(path string, files map[string][]byte) repo.Object {
	s.t.Helper()
	b, err := s.st.NewBatch(s.t.Context())
	check(s.t, err)
	below := map[string][]tree.Entry{}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		data := files[name]
		id, err := b.PutBytes(data)
		check(s.t, err)
		parent, base := filepath.Split(name)
		below[strings.TrimSuffix(parent, "/")] = append(below[strings.TrimSuffix(parent, "/")],
			tree.Entry{Name: base, Kind: tree.File, Size: int64(len(data)), Files: 1, ID: id})
	}
	for parent, entries := range below {
		if parent == "" {
			continue
		}
		e, err := tree.Build(b, entries)
		check(s.t, err)
		e.Name = parent
		below[""] = append(below[""], e)
	}
	root, err := tree.Build(b, below[""])
	check(s.t, err)
	check(s.t, b.Commit())
	check(s.t, b.Close())
	return repo.Object{Path: path, Kind: tree.Dir, ID: root.ID, Size: root.Size, Files: root.Files}
}

func (s *site) file(path string, data []byte) repo.Object {
	s.t.Helper()
	b, err := s.st.NewBatch(s.t.Context())
	check(s.t, err)
	id, err := b.PutBytes(data)
	check(s.t, err)
	check(s.t, b.Commit())
	check(s.t, b.Close())
	return repo.Object{Path: path, Kind: tree.File, ID: id, Size: int64(len(data)), Files: 1}
}

// many makes n files in directories of 50.
func many(seed uint64, n int) map[string][]byte {
	files := map[string][]byte{}
	for i := range n {
		files[fmt.Sprintf("d%d/f%d", i/50, i)] = blob(seed+uint64(i), 500+i%1000)
	}
	return files
}

func bucket(t *testing.T) (b *file.Bucket, dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "remote")
	b, err := file.Open(dir)
	check(t, err)
	return b, dir
}

func (s *site) over(b remote.Bucket) *transfer.Transfer {
	return transfer.New(s.r, remote.NewConn(b, remote.Options{Backoff: time.Microsecond}), "origin", progress.Nop{})
}

func (s *site) push(b remote.Bucket, objects ...repo.Object) transfer.Summary {
	s.t.Helper()
	sum, err := s.over(b).Push(s.t.Context(), transfer.PushRequest{Objects: objects, By: "test"})
	check(s.t, err)
	return sum
}

func (s *site) fetch(b remote.Bucket, objects ...repo.Object) transfer.Summary {
	s.t.Helper()
	sum, err := s.over(b).Fetch(s.t.Context(), request(objects...))
	check(s.t, err)
	return sum
}

func request(objects ...repo.Object) transfer.FetchRequest {
	return transfer.FetchRequest{Selection: transfer.Selection{Objects: objects}}
}

// whole fails the test unless all of o is in the store, byte for byte.
func (s *site) whole(o repo.Object) {
	s.t.Helper()
	ctx := context.WithoutCancel(s.t.Context())
	if o.Kind != tree.Dir {
		_, err := s.st.Get(ctx, o.ID)
		check(s.t, err)
		return
	}
	check(s.t, tree.Nodes(ctx, s.st, o.ID, func(oid.ID) bool { return false }, func(id oid.ID, _ bool, _ int64) error {
		_, err := s.st.Get(ctx, id)
		return err
	}))
}

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

func TestFaultyRemotesLoseNothing(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]remotetest.Faults{
		"every third fails":   {Every: 3},
		"answers get lost":    {Lost: 2},
		"bodies break off":    {Truncate: 2},
		"all of it, and slow": {Every: 4, Lost: 3, Truncate: 3, Delay: time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, b := newSite(t), newSite(t)
			bk, dir := bucket(t)
			files := many(1, 200)
			files["large"] = blob(77, 9<<20)
			files["middle"] = blob(78, 1<<20)
			data := a.dir("data", files)
			a.push(remotetest.NewFaulty(bk, f), data)
			b.fetch(remotetest.NewFaulty(bk, f), data)
			b.whole(data)
			names, err := os.ReadDir(filepath.Join(dir, "log"))
			check(t, err)
			if len(names) != 1 {
				t.Errorf("one push made %d log entries", len(names))
			}
		})
	}
}

func TestDeadRemotesSayWhatFailed(t *testing.T) {
	t.Parallel()
	for _, prefix := range []string{"mlops.json", "packs/", "idx/", "log/"} {
		a := newSite(t)
		bk, dir := bucket(t)
		data := a.dir("data", many(1, 50))
		dead := remotetest.NewFaulty(bk, remotetest.Faults{Dead: prefix})
		_, err := a.over(dead).Push(t.Context(), transfer.PushRequest{Objects: []repo.Object{data}})
		if !errs.Is(err, errs.Remote) || !strings.Contains(err.Error(), prefix) {
			t.Errorf("%s: %v", prefix, err)
		}
		if names, err := os.ReadDir(filepath.Join(dir, "log")); err == nil && len(names) > 0 {
			t.Errorf("%s: logged all the same", prefix)
		}
		// The same command, when the remote is well again, finishes.
		a.push(bk, data)
		b := newSite(t)
		b.fetch(bk, data)
		b.whole(data)
	}
}

func TestInterruptedAtEveryStep(t *testing.T) {
	t.Parallel()
	stop := errors.New("stopped here")
	at := func(t *testing.T, point string) context.Context {
		return fault.WithHook(t.Context(), func(p string) error {
			if p == point {
				return stop
			}
			return nil
		})
	}
	for _, point := range []string{"push.packs.uploaded", "push.idx.uploaded", "push.logged", "pull.fetched", "pull.adopted", "add.flushed"} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			a, b := newSite(t), newSite(t)
			bk, _ := bucket(t)
			data := a.dir("data", many(1, 120))
			_, err := a.over(bk).Push(at(t, point), transfer.PushRequest{Objects: []repo.Object{data}})
			if strings.HasPrefix(point, "push.") != errors.Is(err, stop) {
				t.Fatalf("push: %v", err)
			}
			a.push(bk, data)
			_, err = b.over(bk).Fetch(at(t, point), request(data))
			if strings.HasPrefix(point, "push.") == errors.Is(err, stop) {
				t.Fatalf("fetch: %v", err)
			}
			b.fetch(bk, data)
			b.whole(data)
		})
	}
}

func TestDamageInTheRemoteIsNoticed(t *testing.T) {
	t.Parallel()
	for name, flip := range map[string]string{"pack": "packs/*/*", "index part": "idx/*", "log": "log/*", "manifest": "mlops.json"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, b := newSite(t), newSite(t)
			bk, dir := bucket(t)
			data := a.dir("data", many(1, 120))
			big := a.file("big", blob(7, 9<<20))
			a.push(bk, data, big)
			paths, err := filepath.Glob(filepath.Join(dir, filepath.FromSlash(flip)))
			check(t, err)
			for _, path := range paths {
				text, err := os.ReadFile(path)
				check(t, err)
				text[len(text)/2] ^= 0x10
				check(t, os.WriteFile(path, text, 0o600))
			}
			_, err = b.over(bk).Fetch(t.Context(), request(data, big))
			if err == nil {
				t.Fatal("damage was not noticed")
			}
			if k := errs.KindOf(err); k != errs.Corrupt && k != errs.Remote {
				t.Errorf("kind %v: %v", k, err)
			}
			if b.st.Has(big.ID) {
				b.whole(big)
			}
		})
	}
}

func TestLostCacheAndReplacedRemotes(t *testing.T) {
	t.Parallel()
	a := newSite(t)
	bk, dir := bucket(t)
	data := a.dir("data", many(1, 120))
	a.push(bk, data)
	cache := filepath.Join(a.r.MetaDir(), "tmp", "remotes")
	check(t, os.RemoveAll(cache))
	if s := a.push(bk, data); s.Objects != 0 {
		t.Errorf("without the cache everything is pushed again: %+v", s)
	}
	// The bucket is replaced by an empty one: everything is pushed again.
	check(t, os.Rename(dir, dir+".old"))
	if s := a.push(bk, data); s.Objects == 0 {
		t.Error("the cache of another remote was believed")
	}
	b := newSite(t)
	b.fetch(bk, data)
	b.whole(data)
	// The bucket is put back to an older state and grows again by others.
	more := a.dir("more", many(5000, 50))
	check(t, os.CopyFS(dir+".backup", os.DirFS(dir)))
	a.push(bk, more)
	check(t, os.Rename(dir, dir+".new"))
	check(t, os.Rename(dir+".backup", dir))
	b.push(bk, b.dir("else", many(7000, 50)))
	if s := a.push(bk, more); s.Objects == 0 {
		t.Error("an entry that is gone was believed")
	}
	c := newSite(t)
	c.fetch(bk, more)
	c.whole(more)
}

func TestNewerRemotesAreRefused(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(dir string) error{
		"format":         func(dir string) error { return replace(dir, "mlops.json", `"mlops_remote": 1`, `"mlops_remote": 2`) },
		"read feature":   func(dir string) error { return replace(dir, "mlops.json", `"read": []`, `"read": ["chunks"]`) },
		"entry type":     func(dir string) error { return replace(dir, "log/*", `"type":"add"`, `"type":"condemn"`) },
		"entry features": func(dir string) error { return replace(dir, "log/*", `"packs"`, `"needs":["encryption"],"packs"`) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, b := newSite(t), newSite(t)
			bk, dir := bucket(t)
			data := a.dir("data", many(1, 20))
			a.push(bk, data)
			check(t, change(dir))
			_, err := b.over(bk).Fetch(t.Context(), request(data))
			_, perr := b.over(bk).Push(t.Context(), transfer.PushRequest{Objects: []repo.Object{data}})
			for _, err := range []error{err, perr} {
				if !errs.Is(err, errs.Remote) || !strings.Contains(strings.Join(errs.Hints(err), ""), "mlops") {
					t.Errorf("got %v, hints %q", err, errs.Hints(err))
				}
			}
		})
	}
	a, b := newSite(t), newSite(t)
	bk, dir := bucket(t)
	data := a.dir("data", many(1, 20))
	a.push(bk, data)
	check(t, replace(dir, "mlops.json", `"write": []`, `"write": ["chunks"]`))
	b.fetch(bk, data)
	if _, err := a.over(bk).Push(t.Context(), transfer.PushRequest{Objects: []repo.Object{a.file("f", []byte("x"))}}); !errs.Is(err, errs.Remote) {
		t.Errorf("a writer that does not know a feature wrote: %v", err)
	}
}

func replace(dir, glob, old, with string) error {
	paths, err := filepath.Glob(filepath.Join(dir, filepath.FromSlash(glob)))
	if err != nil || len(paths) != 1 {
		return fmt.Errorf("%s: %v, %w", glob, paths, err)
	}
	text, err := os.ReadFile(paths[0])
	if err != nil {
		return err
	}
	if !strings.Contains(string(text), old) {
		return fmt.Errorf("no %q in %s", old, text)
	}
	return os.WriteFile(paths[0], []byte(strings.Replace(string(text), old, with, 1)), 0o600)
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
