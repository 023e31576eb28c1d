package remotetest

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/remote"
)

// Suite checks that a driver does what remote.Bucket promises. open returns an
// empty bucket; it is called once for each test.
func Suite(t *testing.T, open func(t *testing.T) remote.Bucket) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, remote.Bucket){
		"reads back what was put":         testRoundTrip,
		"reads ranges":                    testRanges,
		"replaces without a condition":    testReplace,
		"names what is missing":           testMissing,
		"put-if-absent refuses":           testIfAbsent,
		"put-if-absent has one winner":    testRace,
		"lists in key order over pages":   testList,
		"takes the keys that are in use":  testKeys,
		"puts large objects in parts":     testLarge,
		"a body of another length fails":  testWrongLength,
		"passes the probe of remote add":  func(t *testing.T, b remote.Bucket) { must(t, remote.Probe(t.Context(), b)) },
		"a canceled call says it is that": testCanceled,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := open(t)
			t.Cleanup(func() { must(t, b.Close()) })
			test(t, b)
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func put(t *testing.T, b remote.Bucket, key, text string) {
	t.Helper()
	must(t, b.Put(t.Context(), key, int64(len(text)), remote.Bytes([]byte(text)), remote.PutOptions{}))
}

func want(t *testing.T, b remote.Bucket, key string, off, n int64, text string) {
	t.Helper()
	r, err := b.Get(t.Context(), key, off, n)
	must(t, err)
	got, err := io.ReadAll(r)
	must(t, err)
	must(t, r.Close())
	if string(got) != text {
		t.Errorf("%s[%d,%d] is %.60q, want %.60q", key, off, n, got, text)
	}
}

func testRoundTrip(t *testing.T, b remote.Bucket) {
	for _, text := range []string{"", "x", strings.Repeat("0123456789", 30000)} {
		put(t, b, "packs/ab/abcd", text)
		want(t, b, "packs/ab/abcd", 0, -1, text)
		size, err := b.Stat(t.Context(), "packs/ab/abcd")
		must(t, err)
		if size != int64(len(text)) {
			t.Errorf("size %d, want %d", size, len(text))
		}
	}
	must(t, b.Delete(t.Context(), "packs/ab/abcd"))
	if _, err := b.Stat(t.Context(), "packs/ab/abcd"); !errs.Is(err, errs.NotFound) {
		t.Errorf("after delete: %v", err)
	}
}

func testRanges(t *testing.T, b remote.Bucket) {
	put(t, b, "packs/01/0123", "0123456789")
	want(t, b, "packs/01/0123", 0, 1, "0")
	want(t, b, "packs/01/0123", 3, 4, "3456")
	want(t, b, "packs/01/0123", 9, 1, "9")
	want(t, b, "packs/01/0123", 7, -1, "789")
}

func testReplace(t *testing.T, b remote.Bucket) {
	put(t, b, "k", "old and longer")
	put(t, b, "k", "new")
	want(t, b, "k", 0, -1, "new")
}

func testMissing(t *testing.T, b remote.Bucket) {
	_, err := b.Get(t.Context(), "log/none", 0, -1)
	_, serr := b.Stat(t.Context(), "log/none")
	derr := b.Delete(t.Context(), "log/none")
	for _, err := range []error{err, serr, derr} {
		if !errs.Is(err, errs.NotFound) || remote.IsTemporary(err) {
			t.Errorf("want not_found, got %v", err)
		}
	}
	page, next, err := b.List(t.Context(), "log/", "")
	must(t, err)
	if len(page) != 0 || next != "" {
		t.Errorf("an empty bucket lists %v, next %q", page, next)
	}
}

func testIfAbsent(t *testing.T, b remote.Bucket) {
	absent := remote.PutOptions{IfAbsent: true}
	must(t, b.Put(t.Context(), "log/1", 3, remote.Bytes([]byte("one")), absent))
	for _, text := range []string{"two", strings.Repeat("2", 1<<20)} {
		err := b.Put(t.Context(), "log/1", int64(len(text)), remote.Bytes([]byte(text)), absent)
		if !errs.Is(err, errs.Conflict) || remote.IsTemporary(err) {
			t.Fatalf("want conflict, got %v", err)
		}
	}
	want(t, b, "log/1", 0, -1, "one")
	must(t, b.Delete(t.Context(), "log/1"))
	must(t, b.Put(t.Context(), "log/1", 5, remote.Bytes([]byte("three")), absent))
	want(t, b, "log/1", 0, -1, "three")
}

func testRace(t *testing.T, b remote.Bucket) {
	conn := remote.NewConn(b, remote.Options{})
	for round := range 10 {
		key := fmt.Sprintf("log/%d", round)
		var wg sync.WaitGroup
		var winner atomic.Int64
		var won atomic.Int64
		for i := range 20 {
			wg.Go(func() {
				text := fmt.Appendf(nil, "writer %d", i)
				err := conn.Put(t.Context(), key, int64(len(text)), remote.Bytes(text), remote.PutOptions{IfAbsent: true})
				switch {
				case err == nil:
					won.Add(1)
					winner.Store(int64(i))
				case !errs.Is(err, errs.Conflict):
					t.Errorf("round %d: %v", round, err)
				}
			})
		}
		wg.Wait()
		if won.Load() != 1 {
			t.Fatalf("round %d has %d winners", round, won.Load())
		}
		want(t, b, key, 0, -1, fmt.Sprintf("writer %d", winner.Load()))
	}
}

func testList(t *testing.T, b remote.Bucket) {
	const n = 1200
	conn := remote.NewConn(b, remote.Options{})
	var wg sync.WaitGroup
	var keys []string
	for i := range n {
		key := fmt.Sprintf("log/%020d", rand.Uint64()%1e18)
		if i%3 == 0 {
			key = fmt.Sprintf("packs/%02x/%d", i%256, i)
		} else {
			keys = append(keys, key)
		}
		wg.Go(func() {
			if err := conn.Put(t.Context(), key, 1, remote.Bytes([]byte("x")), remote.PutOptions{}); err != nil {
				t.Error(err)
			}
		})
	}
	for _, key := range []string{"log-x", "log/a-b", "log/a/c"} {
		put(t, b, key, "x")
	}
	wg.Wait()
	keys = append(keys, "log/a-b", "log/a/c")
	slices.Sort(keys)
	if got := list(t, b, "log/"); !slices.Equal(got, keys) {
		t.Errorf("listed %d keys, want %d in order", len(got), len(keys))
	}
	if got := list(t, b, ""); len(got) != n+3 || !slices.IsSorted(got) {
		t.Errorf("the whole bucket lists %d keys, sorted: %v", len(got), slices.IsSorted(got))
	}
}

func list(t *testing.T, b remote.Bucket, prefix string) []string {
	t.Helper()
	var keys []string
	for token := ""; ; {
		page, next, err := b.List(t.Context(), prefix, token)
		must(t, err)
		for _, o := range page {
			keys = append(keys, o.Key)
			if o.Size != 1 {
				t.Errorf("%s has the size %d", o.Key, o.Size)
			}
		}
		if next == "" {
			return keys
		}
		token = next
	}
}

func testKeys(t *testing.T, b remote.Bucket) {
	hex := strings.Repeat("0123456789abcdef", 4)
	for _, key := range []string{"mlops.json", "packs/01/" + hex, "idx/" + hex, "log/18446744073709551615", "probe/ABC-x_y.z"} {
		put(t, b, key, key)
		want(t, b, key, 0, -1, key)
		page, _, err := b.List(t.Context(), key, "")
		must(t, err)
		if len(page) != 1 || page[0].Key != key {
			t.Errorf("%s is listed as %v", key, page)
		}
	}
}

// testLarge puts 40 MiB that are made while they are read: neither side may
// hold them all.
func testLarge(t *testing.T, b remote.Bucket) {
	const size = 40<<20 + 7
	seed := [32]byte{1}
	body := func() (io.ReadCloser, error) {
		return io.NopCloser(io.LimitReader(rand.NewChaCha8(seed), size)), nil
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	must(t, b.Put(t.Context(), "packs/aa/large", size, body, remote.PutOptions{}))
	runtime.ReadMemStats(&after)
	t.Logf("allocated %d MiB for an object of %d MiB", (after.TotalAlloc-before.TotalAlloc)>>20, size>>20)
	sum := sha256.New()
	_, err := io.Copy(sum, io.LimitReader(rand.NewChaCha8(seed), size))
	must(t, err)
	got := sha256.New()
	r, err := b.Get(t.Context(), "packs/aa/large", 0, -1)
	must(t, err)
	n, err := io.Copy(got, r)
	must(t, err)
	must(t, r.Close())
	if n != size || !bytes.Equal(sum.Sum(nil), got.Sum(nil)) {
		t.Errorf("read %d bytes, want the same %d", n, size)
	}
	err = b.Put(t.Context(), "packs/aa/large", size, body, remote.PutOptions{IfAbsent: true})
	if !errs.Is(err, errs.Conflict) {
		t.Errorf("a large put-if-absent over an object: %v", err)
	}
}

func testWrongLength(t *testing.T, b remote.Bucket) {
	for _, size := range []int64{4, 9} {
		if err := b.Put(t.Context(), "short", size, remote.Bytes([]byte("seven!!")), remote.PutOptions{}); err == nil {
			t.Errorf("7 bytes were taken for %d", size)
		}
		if _, err := b.Stat(t.Context(), "short"); !errs.Is(err, errs.NotFound) {
			t.Errorf("a part of a body is visible: %v", err)
		}
	}
}

func testCanceled(t *testing.T, b remote.Bucket) {
	ctx, cancel := canceled(t)
	defer cancel()
	conn := remote.NewConn(b, remote.Options{})
	if err := conn.Put(ctx, "k", 1, remote.Bytes([]byte("x")), remote.PutOptions{}); !errs.Is(err, errs.Canceled) {
		t.Errorf("put: %v", err)
	}
	if _, err := conn.Get(ctx, "k", 0, -1); !errs.Is(err, errs.Canceled) {
		t.Errorf("get: %v", err)
	}
}
