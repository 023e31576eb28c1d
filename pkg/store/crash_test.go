package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/fault"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/store"
)

// TestMain is also the process that the tests below kill.
func TestMain(m *testing.M) {
	if args := os.Getenv("STORE_VICTIM"); args != "" {
		if err := victim(args); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func kept(i int) []byte    { return victimData("kept", i) }
func dropped(i int) []byte { return victimData("dropped", i) }

// victimData is every tenth time the content of a loose object.
func victimData(what string, i int) []byte {
	b := fmt.Appendf(nil, "%s %d", what, i)
	if i%10 == 9 {
		b = append(b, make([]byte, store.LooseSize)...)
	}
	return b
}

func keepers(ctx context.Context) (func(oid.ID) bool, error) {
	ids := make([]oid.ID, 20)
	for i := range ids {
		ids[i] = oid.Sum(kept(i))
	}
	return keep(ids...)(ctx)
}

// victim adds to a store or sweeps it, and dies at one point.
func victim(args string) error {
	verb, rest, _ := strings.Cut(args, " ")
	point, dir, _ := strings.Cut(rest, " ")
	ctx := fault.WithHook(context.Background(), func(at string) error {
		if at != point {
			return nil
		}
		self, err := os.FindProcess(os.Getpid())
		if err != nil {
			return err
		}
		if err := self.Kill(); err != nil {
			return err
		}
		select {}
	})
	s, err := store.Open(ctx, dir, store.Options{})
	if err != nil {
		return err
	}
	if verb == "gc" {
		_, err := s.Sweep(ctx, keepers, everything())
		return err
	}
	return add(ctx, s)
}

// add stores objects, of which some are dropped later, in two batches.
func add(ctx context.Context, s *store.Store) error {
	for part := range 2 {
		b, err := s.NewBatch(ctx)
		if err != nil {
			return err
		}
		for i := part; i < 20; i += 2 {
			for _, data := range [][]byte{kept(i), dropped(i)} {
				if _, err := b.PutBytes(data); err != nil {
					return errors.Join(err, b.Close())
				}
			}
		}
		if err := errors.Join(b.Commit(), b.Close()); err != nil {
			return err
		}
	}
	return nil
}

func kill(t *testing.T, verb, point, dir string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), "STORE_VICTIM="+verb+" "+point+" "+dir)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || len(out) > 0 {
		t.Fatalf("%s should die at %s, but: %v\n%s", verb, point, err, out)
	}
}

// whole proves that every object which must be there is, and verify passes.
func whole(t *testing.T, dir string) *store.Store {
	t.Helper()
	s := open(t, dir)
	if p := problems(t, s); len(p) > 0 {
		t.Fatalf("verify finds %v", p)
	}
	for i := range 20 {
		if got, err := s.Get(t.Context(), oid.Sum(kept(i))); err != nil || !bytes.Equal(got, kept(i)) {
			t.Fatalf("object %d: %v", i, err)
		}
	}
	return s
}

func TestSweepThatIsKilledIsRepeated(t *testing.T) {
	t.Parallel()
	for _, point := range []string{"gc.marked", "gc.repacked", "gc.swept"} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := add(t.Context(), open(t, dir)); err != nil {
				t.Fatal(err)
			}
			for range 3 { // dying again and again changes nothing
				if has := open(t, dir).Has(oid.Sum(dropped(1))); !has {
					break
				}
				kill(t, "gc", point, dir)
				whole(t, dir)
			}
			s := whole(t, dir)
			for range 2 {
				if _, err := s.Sweep(t.Context(), keepers, everything()); err != nil {
					t.Fatal(err)
				}
				whole(t, dir)
			}
			for i := range 20 {
				if s.Has(oid.Sum(dropped(i))) {
					t.Errorf("dropped object %d is still there", i)
				}
			}
			if left := temps(t, dir); left != nil {
				t.Errorf("temporary files are left: %q", left)
			}
		})
	}
}

func TestAddThatIsKilledIsRepeated(t *testing.T) {
	t.Parallel()
	for _, point := range []string{"add.pack.written", "add.flushed", "add.renamed", "add.index.written"} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			kill(t, "add", point, dir)
			s := open(t, dir)
			if p := problems(t, s); len(p) > 0 {
				t.Fatalf("verify finds %v", p)
			}
			if visible, renamed := s.Has(oid.Sum(kept(0))), strings.HasPrefix(point, "add.r") || strings.HasPrefix(point, "add.i"); visible != renamed {
				t.Errorf("the object is visible: %v", visible)
			}
			if err := add(t.Context(), s); err != nil {
				t.Fatal(err)
			}
			whole(t, dir)
			if _, err := s.Sweep(t.Context(), keepers, everything()); err != nil {
				t.Fatal(err)
			}
			whole(t, dir)
			if left := temps(t, dir); left != nil {
				t.Errorf("temporary files are left: %q", left)
			}
		})
	}
}

// temps lists temporary files of packs and objects.
func temps(t *testing.T, dir string) (left []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && strings.HasPrefix(d.Name(), "tmp-") {
			left = append(left, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return left
}

// TestFullDisk fails each step with the error of a full disk.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	full := &os.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}
	failAt := func(point string) context.Context {
		return fault.WithHook(t.Context(), func(at string) error {
			if at == point {
				return full
			}
			return nil
		})
	}
	hinted := func(point string, err error) {
		t.Helper()
		if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(strings.Join(errs.Hints(err), "\n"), "disk space") {
			t.Fatalf("%s: error is %v with hints %q", point, err, errs.Hints(err))
		}
	}
	for _, point := range []string{"add.pack.written", "add.flushed", "add.renamed", "add.index.written"} {
		dir := t.TempDir()
		s := open(t, dir)
		hinted(point, add(failAt(point), s))
		if left := temps(t, dir); left != nil {
			t.Errorf("%s: temporary files are left: %q", point, left)
		}
		if err := add(t.Context(), s); err != nil {
			t.Fatalf("%s: again: %v", point, err)
		}
		whole(t, dir)
	}
	for _, point := range []string{"gc.marked", "gc.repacked", "gc.swept"} {
		dir := t.TempDir()
		s := open(t, dir)
		if err := add(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		_, err := s.Sweep(failAt(point), keepers, everything())
		hinted(point, err)
		whole(t, dir)
		if _, err := s.Sweep(t.Context(), keepers, everything()); err != nil {
			t.Fatalf("%s: again: %v", point, err)
		}
		if whole(t, dir).Has(oid.Sum(dropped(3))) {
			t.Errorf("%s: again: a dropped object is still there", point)
		}
	}
}

// TestBatchThatLostAnObjectCannotBeCommitted: others may have been told that
// the object is stored, because one of the batch was storing it.
func TestBatchThatLostAnObjectCannotBeCommitted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	b := begin(t, s)
	packs := filepath.Join(dir, "packs")
	if err := os.Rename(packs, packs+"-away"); err != nil {
		t.Fatal(err)
	}
	if _, err := b.PutBytes([]byte("lost")); err == nil {
		t.Fatal("stored without a directory")
	}
	if err := os.Rename(packs+"-away", packs); err != nil {
		t.Fatal(err)
	}
	if _, err := b.PutBytes([]byte("lost")); err != nil {
		t.Fatalf("a known object: %v", err)
	}
	if err := b.Commit(); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("commit says %v", err)
	}
}

// TestPackDamagedWhileOpen flips each byte of a pack, in place, below a store
// that has it mapped: right bytes or an error, whatever was hit.
func TestPackDamagedWhileOpen(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	data := [][]byte{[]byte("one object"), []byte("another object")}
	ids := put(t, open(t, dir), data...)
	paths, err := filepath.Glob(filepath.Join(dir, "packs", "*.pack"))
	if err != nil || len(paths) != 1 {
		t.Fatalf("%v, %v", paths, err)
	}
	good, err := os.ReadFile(paths[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(paths[0], 0o644); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(paths[0], os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s := open(t, dir)
	check := func(at int) (failed bool) {
		t.Helper()
		for i, id := range ids {
			got, err := s.Get(t.Context(), id)
			if err == nil && !bytes.Equal(got, data[i]) {
				t.Fatalf("byte %d: wrong bytes", at)
			}
			if err != nil && !errs.Is(err, errs.Corrupt) && !errs.Is(err, errs.NotFound) {
				t.Fatalf("byte %d: %v", at, err)
			}
			failed = failed || err != nil
			r, err := s.Open(t.Context(), id)
			if err == nil {
				err = r.Close()
			}
			if err != nil && !failed {
				t.Fatalf("byte %d: open says %v", at, err)
			}
		}
		return failed
	}
	for at := range good {
		for _, mask := range []byte{0x01, 0x80, 0xff} {
			if _, err := f.WriteAt([]byte{good[at] ^ mask}, int64(at)); err != nil {
				t.Fatal(err)
			}
			failed := check(at)
			inBlobs := at >= 16 && at < 16+len(data[0])+len(data[1])
			if inBlobs && !failed {
				t.Fatalf("byte %d: the damage was not seen", at)
			}
			if p := problems(t, s); len(p) == 0 {
				t.Fatalf("byte %d: verify finds nothing", at)
			}
		}
		if _, err := f.WriteAt(good[at:at+1], int64(at)); err != nil {
			t.Fatal(err)
		}
	}
	if check(-1) {
		t.Fatal("the undamaged pack is not read")
	}
}

// TestSweepAndAddAtOnce: two stores on one directory, one that sweeps all the
// time what nothing names, others that find again what is about to go and name
// it only after their batch has ended.
func TestSweepAndAddAtOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	object := func(i int) []byte {
		if i%8 == 0 {
			return random(store.LooseSize, uint64(i))
		}
		return fmt.Appendf(nil, "object %d", i)
	}
	const n = 80
	setup := open(t, dir)
	for part := range 4 {
		var list [][]byte
		for i := part; i < n; i += 4 {
			list = append(list, object(i))
		}
		put(t, setup, list...)
	}
	age(t, dir)

	var mu sync.Mutex
	named := make(map[oid.ID]bool)
	mark := func(context.Context) (func(oid.ID) bool, error) {
		mu.Lock()
		defer mu.Unlock()
		now := make(map[oid.ID]bool, len(named))
		for id := range named {
			now[id] = true
		}
		return func(id oid.ID) bool { return now[id] }, nil
	}
	var adders sync.WaitGroup
	for w := range 2 {
		s := open(t, dir)
		adders.Go(func() {
			r := rand.New(rand.NewPCG(uint64(w), 1))
			for range 12 {
				var ids []oid.ID
				b, err := s.NewBatch(t.Context())
				if err != nil {
					t.Error(err)
					return
				}
				for range 3 {
					id, err := b.PutBytes(object(r.IntN(n)))
					if err != nil {
						t.Error(err)
					}
					ids = append(ids, id)
				}
				if err := errors.Join(b.Commit(), b.Close()); err != nil {
					t.Error(err)
				}
				time.Sleep(time.Duration(r.IntN(5)) * time.Millisecond)
				mu.Lock()
				for _, id := range ids {
					named[id] = true
				}
				mu.Unlock()
			}
		})
	}
	done := make(chan struct{})
	go func() { adders.Wait(); close(done) }()
	s, swept := open(t, dir), int64(0)
	for running := true; running; {
		select {
		case <-done:
			running = false
		default:
		}
		res, err := s.Sweep(t.Context(), mark, store.SweepOptions{Before: time.Now().Add(-time.Hour)})
		if err != nil {
			t.Fatal(err)
		}
		swept += res.Objects
		time.Sleep(10 * time.Millisecond) // the others want the lock too
	}
	if swept == 0 {
		t.Error("nothing was swept: the test proves nothing")
	}
	for _, st := range []*store.Store{setup, s, open(t, dir)} {
		for i := range n {
			data := object(i)
			got, err := st.Get(t.Context(), oid.Sum(data))
			if named[oid.Sum(data)] && (err != nil || !bytes.Equal(got, data)) {
				t.Errorf("object %d is named and lost: %v", i, err)
			}
		}
		if p := problems(t, st); len(p) > 0 {
			t.Fatalf("verify finds %v", p)
		}
	}
}

// age makes every file of the store two hours old.
func age(t *testing.T, dir string) {
	t.Helper()
	old := time.Now().Add(-2 * time.Hour)
	var paths []string
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		if err := os.Chtimes(path, old, old); err != nil {
			t.Fatal(err)
		}
	}
}
