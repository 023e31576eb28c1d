package trackdb

import (
	"io/fs"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/mlops-cli/mlops/pkg/db"
	"github.com/mlops-cli/mlops/pkg/db/dbtest"
	"github.com/mlops-cli/mlops/pkg/track"
)

// Who reads the history up to an event finds what is committed later behind it,
// also when it was written before.
func TestEventsOfTransactionsThatEndLate(t *testing.T) {
	t.Parallel()
	s := over(dbtest.Postgres(t)(t))
	late, err := s.db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := late.ExecContext(t.Context(), "INSERT INTO events (time, kind, subject, by) VALUES (1, 'test.late', 'a', '')"); err != nil {
		t.Fatal(err)
	}
	if err := s.Emit(t.Context(), "test.early", "b", nil); err != nil {
		t.Fatal(err)
	}
	read := func(after int64) []track.Event {
		found, err := s.Events(t.Context(), track.EventQuery{After: after, Kinds: []string{"test"}})
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	first := read(0)
	if len(first) != 1 || first[0].Kind != "test.early" {
		t.Fatal(first)
	}
	if err := late.Commit(); err != nil {
		t.Fatal(err)
	}
	if then := read(first[0].Seq); len(then) != 1 || then[0].Kind != "test.late" {
		t.Error(then)
	}
}

// Readers of many servers that follow the history see each event once, while
// many write.
func TestNobodyMissesAnEvent(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, open dbtest.Opener) {
		const writers, each = 4, 25
		s := over(open(t))
		var wait sync.WaitGroup
		for range writers {
			wait.Go(func() {
				for range each {
					if err := s.Emit(t.Context(), "test.done", "x", nil); err != nil {
						t.Error(err)
					}
				}
			})
		}
		done := make(chan struct{})
		var readers sync.WaitGroup
		for range 2 {
			server := over(open(t))
			readers.Go(func() {
				var after int64
				seen, last := 0, false
				for !last {
					select {
					case <-done:
						last = true // once more
					default:
					}
					found, err := server.Events(t.Context(), track.EventQuery{After: after, Kinds: []string{"test"}})
					if err != nil {
						t.Error(err)
						return
					}
					for _, e := range found {
						if e.Seq <= after {
							t.Errorf("event %d comes after %d", e.Seq, after)
						}
						after = e.Seq
						seen++
					}
				}
				if seen != writers*each {
					t.Errorf("saw %d of %d events", seen, writers*each)
				}
			})
		}
		wait.Wait()
		close(done)
		readers.Wait()
	})
}

// Events that an older program numbered as it wrote them keep their numbers.
func TestEventsOfAnOlderSchema(t *testing.T) {
	t.Parallel()
	address := dbtest.PostgresURL(t)
	migrations, err := db.ServerSchema()
	if err != nil {
		t.Fatal(err)
	}
	older := fstest.MapFS{}
	names, err := fs.Glob(migrations, "00*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if name < "0016" {
			data, err := fs.ReadFile(migrations, name)
			if err != nil {
				t.Fatal(err)
			}
			older[name] = &fstest.MapFile{Data: data}
		}
	}
	old, err := db.OpenPostgres(t.Context(), address, db.Options{Migrations: older})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := old.ExecContext(t.Context(), "INSERT INTO events (seq, time, kind, subject, by) VALUES (7, 1, 'test.old', 'a', ''), (9, 1, 'test.old', 'b', '')"); err != nil {
		t.Fatal(err)
	}
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}
	index, err := db.OpenPostgres(t.Context(), address, db.Options{Migrations: migrations})
	if err != nil {
		t.Fatal(err)
	}
	defer index.Close()
	s := over(index)
	if err := s.Emit(t.Context(), "test.new", "c", nil); err != nil {
		t.Fatal(err)
	}
	found, err := s.Events(t.Context(), track.EventQuery{After: 7})
	if err != nil || len(found) != 2 || found[0].Seq != 9 || found[1].Seq != 10 {
		t.Errorf("%v %v", found, err)
	}
}

// A batch that renames a run does all or nothing.
func TestABatchThatRenames(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, open dbtest.Opener) {
		s := over(open(t))
		r, err := s.Create(t.Context(), track.Run{Name: "before", Kind: track.Script, Params: []track.Param{{Key: "lr", Value: "1"}}})
		if err != nil {
			t.Fatal(err)
		}
		note := "why"
		b := track.Batch{Name: "after", Note: &note, Params: []track.Param{{Key: "lr", Value: "2"}}}
		if err := s.Log(t.Context(), r.ID, b); err == nil {
			t.Error("a param changed")
		}
		got, err := s.Run(t.Context(), r.ID)
		if err != nil || got.Name != "before" || got.Note != "" {
			t.Errorf("%q %q %v", got.Name, got.Note, err)
		}
		b.Params[0].Value = "1"
		if err := s.Log(t.Context(), r.ID, b); err != nil {
			t.Fatal(err)
		}
		got, err = s.Run(t.Context(), r.ID)
		if err != nil || got.Name != "after" || got.Note != "why" {
			t.Errorf("%q %q %v", got.Name, got.Note, err)
		}
		events, err := s.Events(t.Context(), track.EventQuery{Subject: r.ID})
		if err != nil || len(events) != 3 {
			t.Errorf("%v %v", events, err)
		}
	})
}
