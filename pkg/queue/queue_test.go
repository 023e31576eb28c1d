package queue_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mlops-cli/mlops/pkg/clock"
	"github.com/mlops-cli/mlops/pkg/db"
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/queue"
)

// TestMain lets the test binary be a worker: "work DIR JOB HOW".
func TestMain(m *testing.M) {
	if len(os.Args) == 5 && os.Args[1] == "work" {
		os.Exit(work(os.Args[2], os.Args[3], os.Args[4]))
	}
	os.Exit(m.Run())
}

// work does a job as its name says.
func work(dir, id, how string) int {
	q, err := open(context.Background(), dir)
	var number int64
	if _, serr := fmt.Sscan(id, &number); err != nil || serr != nil {
		return 2
	}
	err = q.Work(context.Background(), number, func(ctx context.Context, j queue.Job) error {
		fmt.Println("working on", j.Name, "attempt", j.Attempts)
		switch how {
		case "die":
			os.Exit(3)
		case "wait":
			<-ctx.Done()
			_, err := q.End(context.WithoutCancel(ctx), j, queue.Killed, "stopped")
			return err
		}
		_, err := q.End(ctx, j, queue.Finished, "")
		return err
	})
	if err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
}

func open(ctx context.Context, dir string) (*queue.Queue, error) {
	migrations, err := db.Index()
	if err != nil {
		return nil, err
	}
	index, err := db.Open(ctx, filepath.Join(dir, "index.db"), db.Options{Migrations: migrations})
	if err != nil {
		return nil, err
	}
	return queue.New(index, filepath.Join(dir, "queue"), clock.System{}), nil
}

// bed is a queue with what its supervisor said.
type bed struct {
	*testing.T
	*queue.Queue
	dir string

	mu   sync.Mutex
	said []string
}

func newBed(t *testing.T, names ...string) *bed {
	t.Helper()
	dir := t.TempDir()
	q, err := open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	var jobs []queue.Job
	for i, name := range names {
		jobs = append(jobs, queue.Job{Run: fmt.Sprintf("%08d", i), Name: name, Parent: "sweep", Request: []byte("{}")})
	}
	if _, err := q.Add(t.Context(), jobs); err != nil {
		t.Fatal(err)
	}
	return &bed{T: t, Queue: q, dir: dir}
}

func (b *bed) options(jobs int) queue.Options {
	return queue.Options{
		Jobs: jobs,
		Worker: func(ctx context.Context, j queue.Job) *exec.Cmd {
			return exec.CommandContext(ctx, os.Args[0], "work", b.dir, fmt.Sprint(j.ID), j.Name)
		},
		Ended: func(context.Context, queue.Job, queue.State) error { return nil },
		Again: func(_ context.Context, j queue.Job) (string, error) { return j.Run + "-again", nil },
		Say: func(format string, args ...any) {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.said = append(b.said, fmt.Sprintf(format, args...))
		},
	}
}

// states is the state of each job, in order.
func (b *bed) states() string {
	b.Helper()
	jobs, err := b.Jobs(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	var all []string
	for _, j := range jobs {
		all = append(all, string(j.State))
	}
	return strings.Join(all, " ")
}

// until waits for something.
func (b *bed) until(what string, holds func() bool) {
	b.Helper()
	for range 500 {
		if holds() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	b.Fatalf("never: %s; %s; %q", what, b.states(), b.said)
}

func TestSupervisorWorksOffTheQueue(t *testing.T) {
	t.Parallel()
	b := newBed(t, "ok", "die", "ok", "ok")
	if err := b.Supervise(t.Context(), b.options(2)); err != nil {
		t.Fatal(err)
	}
	if got := b.states(); got != "finished failed finished finished" {
		t.Errorf("%s: %q", got, b.said)
	}
	j, err := b.Job(t.Context(), "2")
	if err != nil || !strings.Contains(j.Error, "exit status 3") {
		t.Errorf("job 2: %+v, %v", j, err)
	}
	log, err := os.ReadFile(b.LogFile(2))
	if err != nil || string(log) != "working on die attempt 1\n" {
		t.Errorf("log %q, %v", log, err)
	}
	if left, worst, err := b.Left(t.Context(), "sweep"); left != 0 || worst != queue.Failed || err != nil {
		t.Errorf("left %d, %s, %v", left, worst, err)
	}
}

func TestOneSupervisorAndItsEnd(t *testing.T) {
	t.Parallel()
	b := newBed(t, "wait", "ok")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- b.Supervise(ctx, b.options(1)) }()
	b.until("the first job runs", func() bool { working, err := b.Working(1); return working && err == nil })
	if err := b.Supervise(t.Context(), b.options(1)); !errs.Is(err, errs.Locked) {
		t.Errorf("a second supervisor: %v", err)
	}
	if err := b.Remove(t.Context(), 2, 1); !errs.Is(err, errs.Conflict) || b.states() != "running waiting" {
		t.Errorf("remove a running job: %v, %s", err, b.states())
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("supervisor: %v", err)
	}
	if got := b.states(); got != "killed waiting" {
		t.Error(got)
	}
	if over, err := b.Kill(t.Context(), 2); !over || err != nil {
		t.Errorf("kill a job that waits: %v %v", over, err)
	}
	if err := b.Remove(t.Context(), 1, 2); err != nil || b.states() != "" {
		t.Errorf("%v, %q", err, b.states())
	}
}

func TestStopLetsTheRestWait(t *testing.T) {
	t.Parallel()
	b := newBed(t, "wait", "ok")
	if there, err := b.Stop(); there || err != nil {
		t.Errorf("stop nothing: %v %v", there, err)
	}
	done := make(chan error, 1)
	go func() { done <- b.Supervise(t.Context(), b.options(1)) }()
	b.until("the first job runs", func() bool { working, err := b.Working(1); return working && err == nil })
	if there, err := b.Stop(); !there || err != nil {
		t.Fatalf("stop: %v %v", there, err)
	}
	if _, err := b.Kill(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil || b.states() != "killed waiting" {
		t.Errorf("%v, %s", err, b.states())
	}
	// The next supervisor goes on.
	if err := b.Supervise(t.Context(), b.options(1)); err != nil || b.states() != "killed finished" {
		t.Errorf("%v, %s", err, b.states())
	}
}

func TestNamesOfJobs(t *testing.T) {
	t.Parallel()
	b := newBed(t, "one", "two", "two")
	for word, want := range map[string]int64{"1": 1, "one": 1, "00000002": 3} {
		if j, err := b.Job(t.Context(), word); err != nil || j.ID != want {
			t.Errorf("%s: %d, %v", word, j.ID, err)
		}
	}
	if _, err := b.Job(t.Context(), "two"); !errs.Is(err, errs.Conflict) {
		t.Error(err)
	}
	if _, err := b.Job(t.Context(), "onee"); !errs.Is(err, errs.NotFound) {
		t.Error(err)
	}
}
