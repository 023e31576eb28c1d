package artifact_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/mlops-cli/mlops/pkg/artifact"
	"github.com/mlops-cli/mlops/pkg/clock"
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/remote"
	"github.com/mlops-cli/mlops/pkg/remote/file"
	"github.com/mlops-cli/mlops/pkg/store"
	"github.com/mlops-cli/mlops/pkg/track"
)

// rows is track.Artifacts in memory.
type rows struct {
	mu  sync.Mutex
	all map[track.Owner]map[string]track.Asset
}

func newRows() *rows { return &rows{all: map[track.Owner]map[string]track.Asset{}} }

func (r *rows) PutArtifacts(_ context.Context, o track.Owner, files []track.Asset) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.all[o] == nil {
		r.all[o] = map[string]track.Asset{}
	}
	for _, f := range files {
		r.all[o][f.Path] = f
	}
	return nil
}

func (r *rows) Artifact(_ context.Context, o track.Owner, p string) (track.Asset, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if a, ok := r.all[o][p]; ok {
		return a, nil
	}
	for path, a := range r.all[o] {
		if a.Kind == "dir" && strings.HasPrefix(p, path+"/") {
			return a, nil
		}
	}
	return track.Asset{}, errs.New(errs.NotFound, "no artifact %s", p)
}

func (r *rows) ListArtifacts(_ context.Context, o track.Owner, dir string) (list []track.Asset, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	seen := map[string]bool{}
	for path, a := range r.all[o] {
		rest := path
		if dir != "" {
			var ok bool
			if rest, ok = strings.CutPrefix(path, dir+"/"); !ok {
				continue
			}
		}
		name, _, isDir := strings.Cut(rest, "/")
		full := strings.TrimPrefix(dir+"/"+name, "/")
		if isDir {
			a = track.Asset{Path: full, Kind: "dir", Size: a.Size}
		}
		if !seen[full] {
			list = append(list, a)
		}
		seen[full] = true
	}
	return list, nil
}

func (r *rows) DeleteArtifacts(_ context.Context, o track.Owner, p string) (n int, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for path := range r.all[o] {
		if p == "" || path == p || strings.HasPrefix(path, p+"/") {
			delete(r.all[o], path)
			n++
		}
	}
	return n, nil
}

func run(id string) track.Owner { return track.Owner{ID: id} }

func newLocal(t testing.TB) (*artifact.Store, *store.Store) {
	t.Helper()
	st, err := store.Open(t.Context(), t.TempDir(), store.Options{What: "test"})
	if err != nil {
		t.Fatal(err)
	}
	local := artifact.NewLocal(st)
	s := artifact.New(newRows(), local, local)
	t.Cleanup(func() {
		if err := errors.Join(s.Close(), st.Close()); err != nil {
			t.Error(err)
		}
	})
	return s, st
}

func newRemote(t *testing.T) (s *artifact.Store, dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "bucket")
	bucket, err := file.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	s = artifact.New(newRows(), artifact.NewRemote(remote.NewConn(bucket, remote.Options{}), artifact.NewSpool(t.TempDir()), nil), nil)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, dir
}

// both runs a test on the store and on a bucket.
func both(t *testing.T, test func(t *testing.T, s *artifact.Store)) {
	t.Run("store", func(t *testing.T) {
		t.Parallel()
		s, _ := newLocal(t)
		test(t, s)
	})
	t.Run("bucket", func(t *testing.T) {
		t.Parallel()
		s, _ := newRemote(t)
		test(t, s)
	})
}

func content(seed uint64, size int) []byte {
	data := make([]byte, size)
	r := rand.New(rand.NewPCG(seed, 1))
	for i := range data {
		data[i] = byte(r.Uint32())
	}
	return data
}

func get(t *testing.T, s *artifact.Store, o track.Owner, p string) []byte {
	t.Helper()
	f, err := s.Find(t.Context(), o, p)
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Open(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(r)
	if err := errors.Join(err, r.Close()); err != nil {
		t.Fatal(err)
	}
	return data
}

func TestFilesComeBackAsTheyWere(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, s *artifact.Store) {
		for _, size := range []int{0, 1, 64<<10 - 1, 64 << 10, 64<<10 + 1, 1 << 20, 5<<20 + 17} {
			data := content(uint64(size), size)
			f, err := s.Put(t.Context(), run("r"), "d/f", bytes.NewReader(data))
			if err != nil {
				t.Fatal(err)
			}
			if f.Size != int64(size) || f.ID != oid.Sum(data) {
				t.Errorf("%d bytes became %+v", size, f)
			}
			if !bytes.Equal(get(t, s, run("r"), "d/f"), data) {
				t.Errorf("%d bytes came back changed", size)
			}
		}
	})
}

func TestPartsOfAFile(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, s *artifact.Store) {
		data := content(7, 300<<10)
		f, err := s.Put(t.Context(), run("r"), "f", bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		r, err := s.Open(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		for _, at := range []int64{299 << 10, 0, 1000, 300 << 10} {
			if _, err := r.Seek(at, io.SeekStart); err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(io.LimitReader(r, 100))
			if err != nil || !bytes.Equal(got, data[at:min(at+100, int64(len(data)))]) {
				t.Errorf("at %d: %d bytes, %v", at, len(got), err)
			}
		}
	})
}

func TestTheSameFileIsKeptOnce(t *testing.T) {
	t.Parallel()
	s, dir := newRemote(t)
	data := content(3, 100<<10)
	for i := range 50 {
		if _, err := s.Put(t.Context(), run(fmt.Sprint(i)), "model.bin", bytes.NewReader(data)); err != nil {
			t.Fatal(err)
		}
	}
	found, err := filepath.Glob(filepath.Join(dir, "objects", "*", "*"))
	if err != nil || len(found) != 1 {
		t.Errorf("%d objects of one file: %v", len(found), err)
	}
}

func TestAnUploadThatBreaksOffLeavesNothing(t *testing.T) {
	t.Parallel()
	for _, size := range []int{10, 100 << 10, 3 << 20} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			t.Parallel()
			s, st := newLocal(t)
			data := content(1, size)
			if _, err := s.Put(t.Context(), run("r"), "f", strings.NewReader("before")); err != nil {
				t.Fatal(err)
			}
			broken := io.MultiReader(bytes.NewReader(data), iotest.ErrReader(io.ErrUnexpectedEOF))
			if _, err := s.Put(t.Context(), run("r"), "f", broken); !artifact.Gone(err) {
				t.Fatalf("%v", err)
			}
			if got := get(t, s, run("r"), "f"); string(got) != "before" {
				t.Errorf("the file is %d bytes", len(got))
			}
			if st.Has(oid.Sum(data)) {
				t.Error("the object is kept")
			}
			if left, err := filepath.Glob(filepath.Join(st.Dir(), "tmp", "upload-*", "*")); err != nil || len(left) > 0 {
				t.Errorf("left: %v, %v", left, err)
			}
		})
	}
}

func TestManyWritersOfOnePathLeaveOneWholeFile(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, s *artifact.Store) {
		var wg sync.WaitGroup
		ids := make([]oid.ID, 20)
		for i := range ids {
			data := content(uint64(i), 1000+i*10_000)
			ids[i] = oid.Sum(data)
			wg.Go(func() {
				if _, err := s.Put(t.Context(), run("r"), "f", bytes.NewReader(data)); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		got := oid.Sum(get(t, s, run("r"), "f"))
		if !slices.Contains(ids, got) {
			t.Error("the file is a mixture")
		}
	})
}

func TestSweepDuringAnUploadKeepsWhatIsNamed(t *testing.T) {
	t.Parallel()
	s, st := newLocal(t)
	data := content(9, 200<<10)
	slow, feed := io.Pipe()
	done := make(chan error)
	go func() {
		_, err := s.Put(t.Context(), run("r"), "f", slow)
		done <- err
	}()
	if _, err := feed.Write(data[:100<<10]); err != nil {
		t.Fatal(err)
	}
	nothing := func(context.Context) (func(oid.ID) bool, error) { return func(oid.ID) bool { return false }, nil }
	if _, err := st.Sweep(t.Context(), nothing, store.SweepOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := feed.Write(data[100<<10:]); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(feed.Close(), <-done); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(get(t, s, run("r"), "f"), data) {
		t.Error("the file is not what was sent")
	}
}

func TestNamesAndDirectories(t *testing.T) {
	t.Parallel()
	s, _ := newLocal(t)
	ctx := t.Context()
	for _, p := range []string{"a.txt", "d/b.txt", "d/e/c.txt"} {
		if _, err := s.Put(ctx, run("r"), p, strings.NewReader(p)); err != nil {
			t.Fatal(err)
		}
	}
	list, err := s.List(ctx, run("r"), "d")
	if err != nil || len(list) != 2 {
		t.Errorf("%+v, %v", list, err)
	}
	if _, err := s.Put(ctx, run("r"), "d", strings.NewReader("x")); !errs.Is(err, errs.Conflict) {
		t.Errorf("a file over a directory: %v", err)
	}
	if _, err := s.Put(ctx, run("r"), "", strings.NewReader("x")); !errs.Is(err, errs.Usage) {
		t.Errorf("a file without a name: %v", err)
	}
	if f, err := s.Find(ctx, run("r"), "d/e"); err != nil || !f.Dir {
		t.Errorf("%+v, %v", f, err)
	}
	if n, err := s.Delete(ctx, run("r"), "d"); err != nil || n != 2 {
		t.Errorf("%d, %v", n, err)
	}
	if _, err := s.Find(ctx, run("r"), "d/e/c.txt"); !errs.Is(err, errs.NotFound) {
		t.Errorf("%v", err)
	}
}

func TestDamagedObjectsAreNotSent(t *testing.T) {
	t.Parallel()
	s, dir := newRemote(t)
	data := content(5, 200<<10)
	f, err := s.Put(t.Context(), run("r"), "f", bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	hex := f.ID.String()
	path := filepath.Join(dir, "objects", hex[:2], hex)
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	data[1000] ^= 1
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	r, err := s.Open(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := io.Copy(io.Discard, r); !errs.Is(err, errs.Corrupt) {
		t.Errorf("%v", err)
	}
}

func TestFilesInParts(t *testing.T) {
	t.Parallel()
	s, st := newLocal(t)
	ctx := t.Context()
	u := artifact.NewUploads(s, clock.System{})
	data := content(11, 250<<10)
	id, err := u.Begin(ctx, run("r"), "big", 3)
	if err != nil {
		t.Fatal(err)
	}
	pieces := [][]byte{data[:100<<10], data[100<<10 : 200<<10], data[200<<10:]}
	parts := make([]artifact.Part, 3)
	for _, i := range []int{2, 0, 1} { // in any order
		tag, err := u.Put(ctx, id, i+1, bytes.NewReader(pieces[i]))
		if err != nil {
			t.Fatal(err)
		}
		parts[i] = artifact.Part{Number: i + 1, Tag: tag}
	}
	if _, err := s.Find(ctx, run("r"), "big"); !errs.Is(err, errs.NotFound) {
		t.Errorf("visible before it is complete: %v", err)
	}
	if _, err := u.Complete(ctx, id, parts[:2]); !errs.Is(err, errs.Usage) {
		t.Errorf("complete without its last part: %v", err)
	}
	wrong := append([]artifact.Part{{Number: 1, Tag: "x"}}, parts[1:]...)
	if _, err := u.Complete(ctx, id, wrong); !errs.Is(err, errs.Usage) {
		t.Errorf("complete with a wrong tag: %v", err)
	}
	if _, err := u.Complete(ctx, id, parts); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(get(t, s, run("r"), "big"), data) {
		t.Error("the parts are not the file")
	}
	if err := u.Abort(ctx, id); !errs.Is(err, errs.NotFound) {
		t.Errorf("abort of what is complete: %v", err)
	}
	if left, err := filepath.Glob(filepath.Join(st.Dir(), "tmp", "upload-*", "*")); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

// Parts of one upload may come to any of the servers that share a bucket.
func TestPartsAtManyServers(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	rows, dir := newRows(), filepath.Join(t.TempDir(), "bucket")
	var servers []*artifact.Uploads
	var stores []*artifact.Store
	for range 2 {
		bucket, err := file.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		s := artifact.New(rows, artifact.NewRemote(remote.NewConn(bucket, remote.Options{}), artifact.NewSpool(t.TempDir()), nil), nil)
		t.Cleanup(func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
		servers, stores = append(servers, artifact.NewUploads(s, clock.System{})), append(stores, s)
	}
	data := content(12, 250<<10)
	id, err := servers[0].Begin(ctx, run("r"), "big", 3)
	if err != nil {
		t.Fatal(err)
	}
	if err := servers[1].Check(ctx, id, run("r"), "other"); !errs.Is(err, errs.Usage) {
		t.Errorf("another file: %v", err)
	}
	if _, err := servers[1].Put(ctx, id, 2, strings.NewReader("sent again with other bytes")); err != nil {
		t.Fatal(err)
	}
	var parts []artifact.Part
	for i, piece := range [][]byte{data[:100<<10], data[100<<10 : 200<<10], data[200<<10:]} {
		tag, err := servers[i%2].Put(ctx, id, i+1, bytes.NewReader(piece))
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, artifact.Part{Number: i + 1, Tag: tag})
	}
	for _, tag := range []string{"x", "../../objects", parts[0].Tag} {
		wrong := []artifact.Part{parts[0], {Number: 2, Tag: tag}, parts[2]}
		if _, err := servers[1].Complete(ctx, id, wrong); !errs.Is(err, errs.Usage) {
			t.Errorf("complete with the tag %q: %v", tag, err)
		}
	}
	if _, err := servers[1].Complete(ctx, id, parts); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(get(t, stores[0], run("r"), "big"), data) {
		t.Error("the parts are not the file")
	}
	for _, gone := range []string{id, "..", strings.Repeat("0", 64)} {
		if _, err := servers[0].Put(ctx, gone, 1, strings.NewReader("late")); !errs.Is(err, errs.NotFound) {
			t.Errorf("a part of the upload %q: %v", gone, err)
		}
	}
	if err := servers[0].Abort(ctx, id); !errs.Is(err, errs.NotFound) {
		t.Errorf("abort of what is complete: %v", err)
	}
	if left, err := filepath.Glob(filepath.Join(dir, "uploads", "*", "*")); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

// What nobody ended is gone after a day, also what another server began.
func TestUploadsThatNobodyEnds(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, s *artifact.Store) {
		ctx := t.Context()
		c := &day{}
		u := artifact.NewUploads(s, c)
		old, err := u.Begin(ctx, run("r"), "old", 1)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := u.Put(ctx, old, 1, strings.NewReader("half")); err != nil {
			t.Fatal(err)
		}
		c.passed = 25 * time.Hour
		young, err := u.Begin(ctx, run("r"), "young", 1)
		if err != nil {
			t.Fatal(err)
		}
		if err := u.Check(ctx, old, run("r"), "old"); !errs.Is(err, errs.NotFound) {
			t.Errorf("the old one: %v", err)
		}
		if err := u.Check(ctx, young, run("r"), "young"); err != nil {
			t.Error(err)
		}
	})
}

// day is a clock that a test moves.
type day struct{ passed time.Duration }

func (d *day) Now() time.Time { return time.Unix(1_700_000_000, 0).Add(d.passed) }
