package remote_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/remote"
	"github.com/mlops-cli/mlops/pkg/remote/file"
	"github.com/mlops-cli/mlops/pkg/remote/remotetest"
)

func bucket(t *testing.T) *file.Bucket {
	t.Helper()
	b, err := file.Open(filepath.Join(t.TempDir(), "remote"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func quick() remote.Options { return remote.Options{Backoff: time.Microsecond} }

func TestRequestsAreTriedAgain(t *testing.T) {
	t.Parallel()
	conn := remote.NewConn(remotetest.NewFaulty(bucket(t), remotetest.Faults{Every: 2, Truncate: 2}), quick())
	text := strings.Repeat("0123456789", 1000)
	for i := range 20 {
		key := fmt.Sprintf("k%d", i)
		if err := conn.Put(t.Context(), key, int64(len(text)), remote.Bytes([]byte(text)), remote.PutOptions{}); err != nil {
			t.Fatal(err)
		}
		for _, n := range []int64{-1, 5000} {
			r, err := conn.Get(t.Context(), key, 100, n)
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(r)
			if err := errors.Join(err, r.Close()); err != nil {
				t.Fatal(err)
			}
			want := text[100:]
			if n > 0 {
				want = want[:n]
			}
			if string(got) != want {
				t.Fatalf("read %d bytes, want %d", len(got), len(want))
			}
		}
	}
	if _, _, err := conn.List(t.Context(), "", ""); err != nil {
		t.Fatal(err)
	}
	if n := conn.Requests(); n < 80 {
		t.Errorf("%d requests were counted, retries are not among them", n)
	}
}

func TestLostAnswerOfPutIfAbsentIsNotAConflict(t *testing.T) {
	t.Parallel()
	b := bucket(t)
	conn := remote.NewConn(remotetest.NewFaulty(b, remotetest.Faults{Lost: 1}), quick())
	absent := remote.PutOptions{IfAbsent: true}
	if err := conn.Put(t.Context(), "log/1", 4, remote.Bytes([]byte("ours")), absent); err != nil {
		t.Fatalf("our own write is taken for another's: %v", err)
	}
	if err := conn.Put(t.Context(), "log/1", 4, remote.Bytes([]byte("them")), absent); !errs.Is(err, errs.Conflict) {
		t.Fatalf("want conflict, got %v", err)
	}
}

func TestRetriesEnd(t *testing.T) {
	t.Parallel()
	o := quick()
	o.Attempts = 3
	conn := remote.NewConn(remotetest.NewFaulty(bucket(t), remotetest.Faults{Every: 1}), o)
	_, err := conn.Stat(t.Context(), "k")
	if !errs.Is(err, errs.Remote) || !strings.Contains(err.Error(), "tried 3 times") || conn.Requests() != 3 {
		t.Fatalf("%v after %d requests", err, conn.Requests())
	}
	fatal := remote.NewConn(remotetest.NewFaulty(bucket(t), remotetest.Faults{Every: 1, Fatal: true}), o)
	if _, err := fatal.Stat(t.Context(), "k"); err == nil || fatal.Requests() != 1 {
		t.Fatalf("%v after %d requests: what cannot pass must not be tried again", err, fatal.Requests())
	}
}

// gauge counts the requests in flight.
type gauge struct {
	remote.Bucket
	now, most atomic.Int64
}

func (g *gauge) Stat(context.Context, string) (int64, error) {
	n := g.now.Add(1)
	for old := g.most.Load(); n > old && !g.most.CompareAndSwap(old, n); old = g.most.Load() {
	}
	time.Sleep(time.Millisecond)
	g.now.Add(-1)
	return 0, nil
}

func TestConcurrencyAdaptsWithinItsBound(t *testing.T) {
	t.Parallel()
	for jobs, want := range map[int][2]int64{1: {1, 1}, 4: {4, 4}, 20: {9, 20}} {
		g := &gauge{Bucket: bucket(t)}
		conn := remote.NewConn(g, remote.Options{Jobs: jobs})
		var wg sync.WaitGroup
		for range 400 {
			wg.Go(func() {
				if _, err := conn.Stat(t.Context(), "k"); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if most := g.most.Load(); most < want[0] || most > want[1] {
			t.Errorf("%d requests in flight with jobs=%d, want %v", most, jobs, want)
		}
	}
}

func TestURLs(t *testing.T) {
	t.Parallel()
	for raw, hint := range map[string]string{
		"s3://key:secret@bucket/p":                    "AWS_ACCESS_KEY_ID",
		"s3://bucket?aws_secret_access_key=x":         "AWS_ACCESS_KEY_ID",
		"azblob://c?sas=x":                            "AZURE_STORAGE_KEY",
		"https://user:pw@host/x":                      "leave them out",
		"gs://bucket/p?GoogleAccess_token=ya29.abcde": "gcloud auth",
	} {
		_, err := remote.ParseURL(raw)
		if !errs.Is(err, errs.Usage) || !strings.Contains(strings.Join(errs.Hints(err), " "), hint) {
			t.Errorf("%s: %v, hints %q", raw, err, errs.Hints(err))
		}
		if err != nil && (strings.Contains(err.Error(), "secret@") || strings.Contains(err.Error(), "pw")) {
			t.Errorf("the message repeats the credentials: %v", err)
		}
	}
	if _, err := remote.ParseURL("s3://b/p?endpoint=http://h:1&use_path_style=true&profile=team"); err != nil {
		t.Error(err)
	}
	_, err := remote.Open(t.Context(), "s4://bucket", remote.Options{}, file.Driver(), remote.Driver{Schemes: []string{"s3"}})
	if !errs.Is(err, errs.Usage) || !strings.Contains(strings.Join(errs.Hints(err), " "), "did you mean s3") {
		t.Errorf("%v, hints %q", err, errs.Hints(err))
	}
}

// careless ignores the condition of a put, as some services do.
type careless struct{ remote.Bucket }

func (c careless) Put(ctx context.Context, key string, size int64, body remote.Body, _ remote.PutOptions) error {
	return c.Bucket.Put(ctx, key, size, body, remote.PutOptions{})
}

func TestProbeFindsCarelessServices(t *testing.T) {
	t.Parallel()
	b := bucket(t)
	if err := remote.Probe(t.Context(), careless{b}); !errs.Is(err, errs.Remote) || !strings.Contains(err.Error(), "If-None-Match") {
		t.Fatalf("got %v", err)
	}
	if page, _, err := b.List(t.Context(), "", ""); err != nil || len(page) != 0 {
		t.Errorf("the probe left %v (%v)", page, err)
	}
}
