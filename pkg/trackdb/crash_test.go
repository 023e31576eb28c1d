package trackdb

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/mlops-cli/mlops/pkg/clock"
	"github.com/mlops-cli/mlops/pkg/db"
	"github.com/mlops-cli/mlops/pkg/db/dbtest"
	"github.com/mlops-cli/mlops/pkg/track"
)

// crashVar names, to a process of this test binary, the database that it writes
// to until it is killed.
const crashVar = "MLOPS_TEST_CRASH_STORE"

func TestMain(m *testing.M) {
	if store := os.Getenv(crashVar); store != "" {
		fmt.Fprintln(os.Stderr, writeUntilKilled(context.Background(), store))
		os.Exit(1)
	}
	os.Exit(dbtest.Main(m))
}

func openStore(ctx context.Context, store string) (*db.DB, error) {
	if db.IsPostgres(store) {
		files, err := db.ServerSchema()
		if err != nil {
			return nil, err
		}
		return db.OpenPostgres(ctx, store, db.Options{Migrations: files})
	}
	files, err := db.Index()
	if err != nil {
		return nil, err
	}
	return db.Open(ctx, store, db.Options{Migrations: files})
}

// writeUntilKilled is a server with eight clients: each logs to a run of its own
// and says on the standard output what was acknowledged.
func writeUntilKilled(ctx context.Context, store string) error {
	d, err := openStore(ctx, store)
	if err != nil {
		return err
	}
	s := New(d, clock.System{})
	var out sync.Mutex
	said := func(format string, args ...any) error {
		out.Lock()
		defer out.Unlock()
		_, err := fmt.Printf(format, args...)
		return err
	}
	failed := make(chan error, clients)
	for range clients {
		go func() {
			failed <- func() error {
				r, err := s.Create(ctx, track.Run{})
				if err != nil {
					return err
				}
				for step := int64(0); ; step++ {
					b := track.Batch{
						Metrics: []track.Metric{{Key: "a", Step: step, Value: float64(step)}, {Key: "b", Step: step}},
						Params:  []track.Param{{Key: fmt.Sprint("p", step), Value: "1"}},
					}
					if err := s.Log(ctx, r.ID, b); err != nil {
						return err
					}
					if err := said("%s %d\n", r.ID, step); err != nil {
						return err
					}
				}
			}()
		}()
	}
	return <-failed
}

func TestWhatWasAcknowledgedSurvivesAKill(t *testing.T) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		killAndLook(t, filepath.Join(t.TempDir(), "index.db"))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		killAndLook(t, dbtest.PostgresURL(t))
	})
}

// killAndLook kills a writer under load, again and again on the same store, and
// looks for all that it was told is kept.
func killAndLook(t *testing.T, store string) {
	t.Helper()
	self, err := os.Executable()
	must(t, err)
	last := map[string]int64{}
	for round := range 3 {
		cmd := exec.CommandContext(t.Context(), self)
		cmd.Env = append(os.Environ(), crashVar+"="+store)
		var complaint strings.Builder
		cmd.Stderr = &complaint
		out, err := cmd.StdoutPipe()
		must(t, err)
		must(t, cmd.Start())
		lines := bufio.NewScanner(out)
		for n := 0; lines.Scan(); n++ {
			var id string
			var step int64
			if _, err := fmt.Sscanf(lines.Text(), "%s %d", &id, &step); err == nil {
				last[id] = step // a line that the kill cut is none
			}
			if n == 300+211*round {
				must(t, cmd.Process.Kill())
			}
		}
		if err := cmd.Wait(); err == nil || complaint.Len() > 0 {
			t.Fatalf("the writer ended by itself: %v: %s", err, complaint.String())
		}
	}
	d, err := openStore(t.Context(), store)
	must(t, err)
	defer func() { must(t, d.Close()) }()
	if problems, err := d.Check(t.Context()); err != nil || len(problems) > 0 {
		t.Errorf("the database has problems: %v %v", problems, err)
	}
	s := over(d)
	for id, step := range last {
		run, err := s.Run(t.Context(), id)
		must(t, err)
		a, err := s.History(t.Context(), id, "a")
		must(t, err)
		b, err := s.History(t.Context(), id, "b")
		must(t, err)
		if int64(len(a)) <= step || len(a) != len(b) || len(run.Params) != len(a) {
			t.Errorf("run %s: step %d was acknowledged; there are %d and %d points and %d params", id, step, len(a), len(b), len(run.Params))
		}
		if sum, _ := run.Metric("a"); sum.Count != int64(len(a)) || a[len(a)-1].Value != float64(len(a)-1) {
			t.Errorf("run %s: %d points, summary %+v", id, len(a), sum)
		}
	}
	if len(last) < 2*clients {
		t.Errorf("only %d runs were logged to", len(last))
	}
}
