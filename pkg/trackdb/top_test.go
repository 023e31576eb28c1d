package trackdb

import (
	"strings"
	"testing"

	"github.com/mlops-cli/mlops/pkg/db"
	"github.com/mlops-cli/mlops/pkg/track"
)

// With few parents and with many the same runs belong to no other.
func TestTopOfManyParents(t *testing.T) {
	t.Parallel()
	for _, parents := range []int{3, fewParents + 5} {
		s := newService(t)
		var first, orphan track.Run
		for i := range parents {
			p := create(t, s, track.Run{Name: "parent"})
			c := create(t, s, track.Run{Name: "child", Parent: p.ID})
			if i == 0 {
				first, orphan = p, c
			}
		}
		must(t, s.Delete(t.Context(), first.ID))
		lost := create(t, s, track.Run{Name: "lost", Parent: strings.Repeat("f", 32)})
		runs, err := s.Runs(t.Context(), track.Query{Top: true})
		must(t, err)
		if len(runs) != parents-1+2 {
			t.Errorf("%d runs of %d parents", len(runs), parents)
		}
		for _, r := range runs {
			if r.Name == "child" && r.ID != orphan.ID || r.Name == "lost" && r.ID != lost.ID {
				t.Errorf("run %s %s is listed", r.Name, r.ID)
			}
		}
	}
}

// The trials of a sweep are not looked at to find the runs beside it, nor to
// count them; tags that are there are found without their rows.
func TestSearchesHaveAnIndex(t *testing.T) {
	t.Parallel()
	s := newService(t)
	sweep := create(t, s, track.Run{Name: "sweep"})
	create(t, s, track.Run{Name: "trial", Parent: sweep.ID})
	q := track.Query{Top: true, Limit: 20}
	text, args := s.listing(t.Context(), q).query(q)
	if len(args) > 0 {
		t.Fatalf("arguments %v", args)
	}
	q = track.Query{Parent: sweep.ID, Limit: 20}
	below, belowArgs := s.listing(t.Context(), q).query(q)
	for want, query := range map[string]string{
		"COVERING INDEX tags_value":  "SELECT run FROM tags WHERE key = 'a' AND deleted = 0 AND value = 'b'",
		"runs_parent (parent=?":      below,
		"INDEX runs_top":             text,
		"COVERING INDEX runs_parent": "SELECT count(*) FROM runs INDEXED BY runs_parent WHERE parent <> '' AND deleted = 0 AND parent IN ('a') GROUP BY parent",
	} {
		if query == below {
			args = belowArgs
		} else {
			args = nil
		}
		var plan strings.Builder
		var a, b, c int
		var line string
		must(t, db.Each(t.Context(), s.db, []any{&a, &b, &c, &line}, func() error {
			plan.WriteString(line + "\n")
			return nil
		}, "EXPLAIN QUERY PLAN "+query, args...))
		if !strings.Contains(plan.String(), want) {
			t.Errorf("no %s:\n%s", want, plan.String())
		}
	}
}
