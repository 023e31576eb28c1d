package trackdb

import (
	"math"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/track"
)

func TestSearch(t *testing.T) {
	t.Parallel()
	everyStore(t, func(t *testing.T, fresh freshStore) {
		s := fresh(t)
		ctx := t.Context()
		var now int64
		ids := map[string]string{}
		add := func(name, parent string, loss float64, lr string, tags ...track.Tag) {
			now += 1000
			r, err := s.Create(ctx, track.Run{Name: name, Parent: parent, Params: []track.Param{{Key: "lr", Value: lr}}, Tags: tags, StartTime: now})
			if err != nil {
				t.Fatal(err)
			}
			ids[name] = r.ID
			batch := track.Batch{Assets: []track.Asset{{Path: "data/" + name, Role: track.Input, Kind: "file", ID: oid.Sum([]byte(name))}}}
			if loss != 0 {
				batch.Metrics = []track.Metric{{Key: "loss", Value: loss}}
			}
			if err := s.Finish(ctx, r.ID, track.Finished, batch); err != nil {
				t.Fatal(err)
			}
		}
		add("a", "", 0.3, "0.1", track.Tag{Key: "who", Value: "Ada"})
		add("b", "", 0.1, "1e-3")
		add("c", ids["a"], math.NaN(), "none")
		add("d", ids["a"], 0, "0.02", track.Tag{Key: "who", Value: "bob"})
		add("e", "", math.Inf(1), "10")
		start := func(name string) string { return "run_name = '" + name + "'" }

		names := func(q track.Query) string {
			t.Helper()
			runs, err := s.Runs(ctx, q)
			if err != nil {
				t.Fatal(err)
			}
			var streamed, out []string
			for _, r := range runs {
				out = append(out, r.Name)
			}
			if err := s.Stream(ctx, q, func(runs []track.Run) error {
				for _, r := range runs {
					streamed = append(streamed, r.Name)
				}
				return nil
			}); err != nil || !slices.Equal(streamed, out) {
				t.Errorf("streamed %v (%v), listed %v", streamed, err, out)
			}
			return strings.Join(out, "")
		}
		for filter, want := range map[string]string{
			"":                     "edcba",
			"metrics.loss < 0.2":   "b",
			"metrics.loss > 0.2":   "ea", // not NaN
			"metrics.loss != 0.3":  "ecb",
			"params.lr = '0.1'":    "a",
			"params.lr LIKE '%.%'": "da",
			"tags.who ilike 'a%'":  "a",
			"tags.who LIKE 'a%'":   "",
			"tags.who LIKE '%' and params.lr LIKE '0._'":                   "a",
			"tags.who != 'bob'":                                            "a", // the others have no such tag
			start("b"):                                                     "b",
			"run_id IN ('" + ids["b"] + "', 'x')":                          "b",
			"status = 'FINISHED' and end_time > 0 and parent = ''":         "eba",
			"dataset.name = 'data/c'":                                      "c",
			"datasets.digest IN ('" + oid.Sum([]byte("d")).String() + "')": "d",
			"params.lr LIKE '[0]%'":                                        "",
		} {
			f, err := track.ParseFilter(filter)
			if err != nil {
				t.Fatal(err)
			}
			if got := names(track.Query{Filter: f}); got != want {
				t.Errorf("%s: %s, want %s", filter, got, want)
			}
		}
		for order, want := range map[string]string{
			"metrics.loss":      "baecd",
			"metrics.loss DESC": "eabcd",
			"params.lr":         "bdaec", // as numbers
			"params.lr DESC":    "eadbc",
			"tags.who":          "adecb",
			"run_name DESC":     "edcba",
			"start_time":        "abcde",
		} {
			o, err := track.ParseOrder(order)
			if err != nil {
				t.Fatal(err)
			}
			o.Numbers = true
			if got := names(track.Query{Order: []track.Order{o}}); got != want {
				t.Errorf("by %s: %s, want %s", order, got, want)
			}
			o.Numbers = false
			by := []track.Order{o, {Entity: track.Metrics, Key: "loss"}}
			all := names(track.Query{Order: by})
			for offset := range 5 {
				page := names(track.Query{Order: by, Offset: offset, Limit: 2})
				if want := all[offset:min(5, offset+2)]; page != want {
					t.Errorf("by %s, from %d: %s, want %s", order, offset, page, want)
				}
			}
		}
		if got := names(track.Query{Top: true}); got != "eba" {
			t.Errorf("top: %s", got)
		}
		if got := names(track.Query{Parent: ids["a"]}); got != "dc" {
			t.Errorf("children of a: %s", got)
		}
		if got := names(track.Query{Offset: 1, Limit: 2}); got != "dc" {
			t.Errorf("the second page: %s", got)
		}
		runs, err := s.Runs(ctx, track.Query{IDs: []string{ids["a"]}, Counts: true, Bare: true})
		if err != nil || runs[0].Children != 2 {
			t.Errorf("a has %d children (%v), want 2", runs[0].Children, err)
		}
		if err := s.Delete(ctx, ids["a"]); err != nil {
			t.Fatal(err)
		}
		if got := names(track.Query{Top: true}); got != "edcb" {
			t.Errorf("children of a removed run stand for themselves: %s", got)
		}
		if got := names(track.Query{Removed: true}); got != "a" {
			t.Errorf("removed: %s", got)
		}
	})
}

// Runs that log by turns have their rows scattered over the tables, and more
// than fewRuns of them are read by another query.
func TestWhatManyRunsLoggedByTurnsStaysInOrder(t *testing.T) {
	t.Parallel()
	everyStore(t, func(t *testing.T, fresh freshStore) {
		s, ctx := fresh(t), t.Context()
		ids := make([]string, fewRuns+1)
		each := func(do func(i int) error) { // at once, so that they share commits
			t.Helper()
			var group errgroup.Group
			group.SetLimit(50)
			for i := range ids {
				group.Go(func() error { return do(i) })
			}
			must(t, group.Wait())
		}
		each(func(i int) error {
			r, err := s.Create(ctx, track.Run{})
			ids[i] = r.ID
			return err
		})
		for _, key := range []string{"b", "c", "a"} {
			each(func(i int) error {
				return s.Log(ctx, ids[i], track.Batch{Params: []track.Param{{Key: key}}, Metrics: []track.Metric{{Key: key}}})
			})
		}
		for _, q := range []track.Query{{}, {Limit: 10}, {Logged: true}, {Logged: true, Limit: 10}} {
			runs, err := s.Runs(ctx, q)
			must(t, err)
			want := "abc abc"
			if q.Logged {
				want = "bca bca"
			}
			for _, r := range runs {
				var got strings.Builder
				for _, p := range r.Params {
					got.WriteString(p.Key)
				}
				got.WriteByte(' ')
				for _, m := range r.Metrics {
					got.WriteString(m.Key)
				}
				if got.String() != want {
					t.Fatalf("%+v: %s logged %s", q, r.Name, &got)
				}
			}
		}
	})
}
