package registrydb_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mlops-cli/mlops/pkg/clock"
	"github.com/mlops-cli/mlops/pkg/db"
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/registry"
	"github.com/mlops-cli/mlops/pkg/registrydb"
	"github.com/mlops-cli/mlops/pkg/track"
)

// sqlite opens a fresh database in a file.
func sqlite(t *testing.T) *db.DB {
	t.Helper()
	migrations, err := db.Index()
	must(t, err)
	d, err := db.Open(t.Context(), filepath.Join(t.TempDir(), "index.db"), db.Options{Migrations: migrations})
	must(t, err)
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// stepping is a clock that goes on a millisecond at each look.
type stepping struct {
	mu  sync.Mutex
	now int64
}

func (c *stepping) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now++
	return time.UnixMilli(c.now)
}

func newService(t *testing.T, d *db.DB) *registrydb.Service {
	t.Helper()
	return registrydb.New(d, &stepping{now: 1_700_000_000_000}).As("ada")
}

func create(t *testing.T, s *registrydb.Service, name string, tags ...registry.Tag) {
	t.Helper()
	_, err := s.CreateModel(t.Context(), registry.Model{Name: name, Tags: tags})
	must(t, err)
}

func version(t *testing.T, s *registrydb.Service, v registry.Version) registry.Version {
	t.Helper()
	made, err := s.CreateVersion(t.Context(), v)
	must(t, err)
	return made
}

// everyStore runs a test on each kind of database.
func everyStore(t *testing.T, test func(t *testing.T, d *db.DB)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, sqlite(t))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		test(t, postgres(t))
	})
}

func wantMissing(t *testing.T, err error, want registry.MissingError) {
	t.Helper()
	var got *registry.MissingError
	if !errors.As(err, &got) || *got != want || !errs.Is(err, errs.NotFound) {
		t.Errorf("error is %v (%+v), want %+v", err, got, want)
	}
}

func wantInvalid(t *testing.T, err error, rule registry.Rule) {
	t.Helper()
	var got *registry.InvalidError
	if !errors.As(err, &got) || got.Rule != rule || !errs.Is(err, errs.Usage) {
		t.Errorf("error is %v, want %s", err, rule)
	}
}

func TestModels(t *testing.T) {
	t.Parallel()
	everyStore(t, func(t *testing.T, d *db.DB) {
		ctx, s := t.Context(), newService(t, d)
		m, err := s.CreateModel(ctx, registry.Model{Name: "churn", Description: "who leaves", Tags: []registry.Tag{{Key: "team", Value: "growth"}}})
		must(t, err)
		if m.Created == 0 || m.Updated != m.Created || m.Description != "who leaves" || m.Tags[0].Value != "growth" {
			t.Errorf("made %+v", m)
		}
		_, err = s.CreateModel(ctx, registry.Model{Name: "churn"})
		var exists *registry.ExistsError
		if !errors.As(err, &exists) || exists.Model != "churn" || !errs.Is(err, errs.Conflict) {
			t.Errorf("a second model of the name: %v", err)
		}
		for name, rule := range map[string]registry.Rule{"": registry.EmptyName, "a/b": registry.NameChars, "a:b": registry.NameChars, strings.Repeat("x", 257): registry.NameLength} {
			_, err := s.CreateModel(ctx, registry.Model{Name: name})
			wantInvalid(t, err, rule)
		}
		_, err = s.Model(ctx, "chrun")
		wantMissing(t, err, registry.MissingError{Model: "chrun"})
		if hints := errs.Hints(err); len(hints) == 0 || !strings.Contains(hints[0], "churn") {
			t.Errorf("hints are %q", hints)
		}

		must(t, s.Describe(ctx, registry.Ref{Name: "churn"}, "who will leave"))
		must(t, s.SetTag(ctx, registry.Ref{Name: "churn"}, "team", "core"))
		must(t, s.SetTag(ctx, registry.Ref{Name: "churn"}, "x", ""))
		must(t, s.DeleteTag(ctx, registry.Ref{Name: "churn"}, "x"))
		must(t, s.DeleteTag(ctx, registry.Ref{Name: "churn"}, "never"))
		wantInvalid(t, s.SetTag(ctx, registry.Ref{Name: "churn"}, "", "v"), registry.EmptyKey)
		got, err := s.Model(ctx, "churn")
		must(t, err)
		if got.Description != "who will leave" || got.Updated <= m.Updated || len(got.Tags) != 1 || got.Tags[0].Value != "core" {
			t.Errorf("changed to %+v", got)
		}

		version(t, s, registry.Version{Model: "churn"})
		renamed, err := s.Rename(ctx, "churn", "attrition")
		must(t, err)
		if renamed.Name != "attrition" || renamed.Versions != 1 || renamed.Tags[0].Value != "core" {
			t.Errorf("renamed to %+v", renamed)
		}
		_, err = s.Model(ctx, "churn")
		wantMissing(t, err, registry.MissingError{Model: "churn"})
		create(t, s, "churn") // the old name is free
		if v := version(t, s, registry.Version{Model: "churn"}); v.Number != 1 {
			t.Errorf("first version of the new model is %d", v.Number)
		}
		_, err = s.Rename(ctx, "churn", "attrition")
		if !errs.Is(err, errs.Conflict) {
			t.Errorf("rename to a name that is taken: %v", err)
		}
		must(t, s.Delete(ctx, registry.Ref{Name: "attrition"}))
		wantMissing(t, s.Delete(ctx, registry.Ref{Name: "attrition"}), registry.MissingError{Model: "attrition"})
		create(t, s, "attrition")
		again, err := s.Model(ctx, "attrition")
		must(t, err)
		if again.Versions != 0 || len(again.Tags) != 0 || again.Description != "" {
			t.Errorf("a model made anew has %+v", again)
		}
	})
}

func TestVersions(t *testing.T) {
	t.Parallel()
	everyStore(t, func(t *testing.T, d *db.DB) {
		ctx, s := t.Context(), newService(t, d)
		_, err := s.CreateVersion(ctx, registry.Version{Model: "m"})
		wantMissing(t, err, registry.MissingError{Model: "m"})
		create(t, s, "m")
		details := registry.Details{
			Object: oid.Sum([]byte("x")), Kind: "file", Path: "model.pkl", Size: 3, Files: 1, Licence: "MIT",
			Metrics:   []registry.Measure{{Key: "auc", Value: 0.5}},
			Signature: &registry.Signature{Inputs: []byte(`[{"type": "double"}]`)},
		}
		one := version(t, s, registry.Version{Model: "m", Source: "model.pkl", RunID: strings.Repeat("a", 32), Details: details, Tags: []registry.Tag{{Key: "k", Value: "v"}}})
		if one.Number != 1 || one.ID == "" || one.User != "ada" || one.Stage != registry.NoStage || one.Status != registry.Ready || one.Tags[0].Value != "v" {
			t.Errorf("made %+v", one)
		}
		if got := one.Details; got.Object != details.Object || got.Licence != "MIT" || got.Metrics[0].Value != 0.5 || string(got.Signature.Inputs) != `[{"type":"double"}]` {
			t.Errorf("details are %+v", got)
		}
		m, err := s.Model(ctx, "m")
		must(t, err)
		if m.Updated != one.Created {
			t.Errorf("a version does not bring its model up to date: %d, %d", m.Updated, one.Created)
		}
		two := version(t, s, registry.Version{Model: "m"})
		must(t, s.Delete(ctx, registry.Ref{Name: "m", Number: 2}))
		if three := version(t, s, registry.Version{Model: "m"}); three.Number != 3 {
			t.Errorf("after %d was deleted comes %d", two.Number, three.Number)
		}
		_, err = s.Version(ctx, "m", 2)
		wantMissing(t, err, registry.MissingError{Model: "m", Version: 2})
		wantMissing(t, s.Describe(ctx, registry.Ref{Name: "m", Number: 2}, "x"), registry.MissingError{Model: "m", Version: 2})
		must(t, s.Describe(ctx, registry.Ref{Name: "m", Number: 1}, "the first"))
		must(t, s.SetTag(ctx, registry.Ref{Name: "m", Number: 1}, "k", "w"))
		must(t, s.DeleteTag(ctx, registry.Ref{Name: "m", Number: 3}, "k"))
		got, err := s.Find(ctx, registry.Ref{Name: "m", Number: 1})
		must(t, err)
		if got.Description != "the first" || got.Updated <= one.Updated || got.Tags[0].Value != "w" {
			t.Errorf("changed to %+v", got)
		}
		list, err := s.Versions(ctx, registry.Query{})
		must(t, err)
		if len(list) != 2 || list[0].Number != 3 || list[1].Number != 1 {
			t.Errorf("list is %+v", list)
		}
		by, err := s.ByObject(ctx, details.Object[:])
		must(t, err)
		if len(by) != 1 || by[0].Number != 1 {
			t.Errorf("by object: %+v", by)
		}
		if by, err = s.ByRun(ctx, strings.Repeat("a", 32)); err != nil || len(by) != 1 {
			t.Errorf("by run: %+v (%v)", by, err)
		}
	})
}

func TestAliases(t *testing.T) {
	t.Parallel()
	everyStore(t, func(t *testing.T, d *db.DB) {
		ctx, s := t.Context(), newService(t, d)
		create(t, s, "m")
		_, err := s.Find(ctx, registry.Ref{Name: "m"})
		wantMissing(t, err, registry.MissingError{Model: "m", Alias: "latest"})
		for range 3 {
			version(t, s, registry.Version{Model: "m"})
		}
		must(t, s.SetAlias(ctx, "m", "production", 1))
		must(t, s.SetAlias(ctx, "m", "production", 2))
		must(t, s.SetAlias(ctx, "m", "champion", 2))
		wantMissing(t, s.SetAlias(ctx, "m", "production", 9), registry.MissingError{Model: "m", Version: 9})
		for alias, rule := range map[string]registry.Rule{
			"": registry.EmptyAlias, "a b": registry.AliasChars, "Latest": registry.AliasLatest, "v12": registry.AliasVersion, strings.Repeat("x", 256): registry.AliasLength,
		} {
			wantInvalid(t, s.SetAlias(ctx, "m", alias, 1), rule)
		}
		for ref, want := range map[string]int{"m@production": 2, "m@latest": 3, "m": 3, "models:/m/1": 1, "m/v2": 2, "models:/m@champion": 2, "m/None": 3} {
			r, err := registry.ParseRef(ref)
			must(t, err)
			v, err := s.Find(ctx, r)
			if err != nil || v.Number != want {
				t.Errorf("%s is %d (%v), want %d", ref, v.Number, err, want)
			}
		}
		v, err := s.Version(ctx, "m", 2)
		must(t, err)
		if !slices.Equal(v.Aliases, []string{"champion", "production"}) {
			t.Errorf("aliases are %q", v.Aliases)
		}
		must(t, s.DeleteAlias(ctx, "m", "champion"))
		must(t, s.DeleteAlias(ctx, "m", "never"))
		_, err = s.Find(ctx, registry.Ref{Name: "m", Alias: "champion"})
		wantMissing(t, err, registry.MissingError{Model: "m", Alias: "champion"})
		must(t, s.Delete(ctx, registry.Ref{Name: "m", Number: 2}))
		m, err := s.Model(ctx, "m")
		must(t, err)
		if len(m.Aliases) != 0 {
			t.Errorf("the aliases of a version that was deleted stay: %+v", m.Aliases)
		}

		// An alias moves only from where its gates were looked at.
		must(t, s.SetAlias(ctx, "m", "production", 1))
		if err := s.Promote(ctx, registry.Move{Model: "m", Alias: "production", From: 3, To: 3}); !errs.Is(err, errs.Conflict) {
			t.Errorf("promoted from elsewhere: %v", err)
		}
		must(t, s.Promote(ctx, registry.Move{Model: "m", Alias: "production", From: 1, To: 3}))
		must(t, s.Approve(ctx, "m", 3, registry.Approval{Alias: "production", Note: "looks fine"}))
		if v, err = s.Version(ctx, "m", 3); err != nil || v.Aliases[0] != "production" || v.Approvals[0].By != "ada" || v.Approvals[0].Note != "looks fine" {
			t.Errorf("promoted to %+v (%v)", v, err)
		}
	})
}

func TestStages(t *testing.T) {
	t.Parallel()
	everyStore(t, func(t *testing.T, d *db.DB) {
		ctx, s := t.Context(), newService(t, d)
		create(t, s, "m")
		for range 3 {
			version(t, s, registry.Version{Model: "m"})
		}
		for n := 1; n <= 2; n++ {
			_, err := s.SetStage(ctx, "m", n, registry.Production, false)
			must(t, err)
		}
		v, err := s.SetStage(ctx, "m", 3, registry.Production, true)
		must(t, err)
		one, err := s.Version(ctx, "m", 1)
		must(t, err)
		if v.Stage != registry.Production || one.Stage != registry.Archived || one.Updated != v.Updated {
			t.Errorf("stages are %s, %s at %d, %d", v.Stage, one.Stage, v.Updated, one.Updated)
		}
		_, err = s.SetStage(ctx, "m", 3, registry.Archived, true)
		wantInvalid(t, err, registry.ArchiveStage)
		version(t, s, registry.Version{Model: "m"})
		latest, err := s.Latest(ctx, "m")
		must(t, err)
		var got []string
		for _, v := range latest {
			got = append(got, fmt.Sprintf("%d %s", v.Number, v.Stage))
		}
		if !slices.Equal(got, []string{"2 Archived", "3 Production", "4 None"}) {
			t.Errorf("latest are %q", got)
		}
		if latest, err = s.Latest(ctx, "m", registry.Production, registry.Staging); err != nil || len(latest) != 1 || latest[0].Number != 3 {
			t.Errorf("latest of Production: %+v (%v)", latest, err)
		}
	})
}

func TestSearch(t *testing.T) {
	t.Parallel()
	everyStore(t, func(t *testing.T, d *db.DB) {
		ctx, s := t.Context(), newService(t, d)
		create(t, s, "churn", registry.Tag{Key: "team", Value: "growth"})
		create(t, s, "Churn-2", registry.Tag{Key: "team", Value: "core"})
		create(t, s, "prompt", registry.Tag{Key: registry.PromptTag, Value: "true"})
		run := strings.Repeat("b", 32)
		version(t, s, registry.Version{Model: "churn", Source: "s3://a/1", Tags: []registry.Tag{{Key: "ok", Value: "yes"}}})
		version(t, s, registry.Version{Model: "churn", Source: "s3://a/2", RunID: run})
		version(t, s, registry.Version{Model: "Churn-2", Source: "s3://b/1"})
		version(t, s, registry.Version{Model: "prompt"})

		name := func(op track.Op, text string) track.Condition {
			return track.Condition{Entity: track.Attributes, Key: "name", Op: op, Text: text}
		}
		models := func(q registry.Query) string {
			t.Helper()
			list, err := s.Models(ctx, q)
			must(t, err)
			var names []string
			for _, m := range list {
				names = append(names, m.Name)
			}
			return strings.Join(names, " ")
		}
		for want, q := range map[string]registry.Query{
			"Churn-2 churn":        {},
			"Churn-2 churn prompt": {Prompts: true},
			"churn":                {Filter: track.Filter{name(track.Like, "ch%")}},
			"Churn-2 churn ":       {Filter: track.Filter{name(track.ILike, "ch%")}},
			"Churn-2":              {Filter: track.Filter{{Entity: track.Tags, Key: "team", Op: track.NotEqual, Text: "growth"}}},
			"churn Churn-2":        {Order: []track.Order{{Entity: track.Attributes, Key: "name", Descending: true}}},
			" churn":               {Offset: 1, Limit: 1},
			"  churn":              {Offset: 1},
		} {
			if got := models(q); got != strings.TrimSpace(want) {
				t.Errorf("models of %+v are %q, want %q", q, got, want)
			}
		}
		versions := func(f ...track.Condition) string {
			t.Helper()
			list, err := s.Versions(ctx, registry.Query{Filter: f})
			must(t, err)
			var names []string
			for i := range list {
				names = append(names, list[i].Ref().String())
			}
			return strings.Join(names, " ")
		}
		number := track.Condition{Entity: track.Attributes, Key: "version_number", Op: track.Less, Number: 2}
		runIn := track.Condition{Entity: track.Attributes, Key: "run_id", Op: track.In, List: []string{run, "x"}}
		source := track.Condition{Entity: track.Attributes, Key: "source_path", Op: track.Like, Text: "s3://a/%"}
		for _, c := range []struct {
			want string
			f    []track.Condition
		}{
			{"Churn-2/1 churn/2 churn/1", nil},
			{"churn/2 churn/1", []track.Condition{name(track.Equal, "churn")}},
			{"Churn-2/1 churn/1", []track.Condition{number}},
			{"churn/2", []track.Condition{runIn}},
			{"churn/1", []track.Condition{{Entity: track.Tags, Key: "ok", Op: track.NotNull}}},
			{"Churn-2/1 churn/2", []track.Condition{{Entity: track.Tags, Key: "ok", Op: track.IsNull}}},
			{"churn/1", []track.Condition{source, {Entity: track.Tags, Key: "ok", Op: track.Equal, Text: "yes"}}},
		} {
			if got := versions(c.f...); got != c.want {
				t.Errorf("versions of %+v are %q, want %q", c.f, got, c.want)
			}
		}
		_, err := s.Models(ctx, registry.Query{Filter: track.Filter{{Entity: track.Attributes, Key: "run_id", Op: track.Equal}}})
		wantInvalid(t, err, registry.FilterKey)
		_, err = s.Versions(ctx, registry.Query{Order: []track.Order{{Entity: track.Metrics, Key: "loss"}}})
		wantInvalid(t, err, registry.OrderKey)
	})
}

// TestManyRegisterAtOnce: numbers are given once, without gaps.
func TestManyRegisterAtOnce(t *testing.T) {
	t.Parallel()
	everyStore(t, func(t *testing.T, d *db.DB) {
		s := newService(t, d)
		create(t, s, "m")
		var mu sync.Mutex
		var numbers []int
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for range 5 {
					v, err := s.CreateVersion(t.Context(), registry.Version{Model: "m"})
					if err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					numbers = append(numbers, v.Number)
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		slices.Sort(numbers)
		for i, n := range numbers {
			if n != i+1 {
				t.Fatalf("numbers are %v", numbers)
			}
		}
	})
}

// TestEventsSayWho: each change is a line of the history with who did it.
func TestEventsSayWho(t *testing.T) {
	t.Parallel()
	everyStore(t, func(t *testing.T, d *db.DB) {
		ctx, s := track.AsUser(t.Context(), "bob"), newService(t, d)
		_, err := s.CreateModel(ctx, registry.Model{Name: "m"})
		must(t, err)
		_, err = s.CreateVersion(ctx, registry.Version{Model: "m"})
		must(t, err)
		must(t, s.SetAlias(ctx, "m", "production", 1))
		rows, err := d.QueryContext(ctx, "SELECT kind, subject, by, data FROM events ORDER BY seq")
		must(t, err)
		defer rows.Close()
		var got []string
		for rows.Next() {
			var kind, subject, by, data string
			must(t, rows.Scan(&kind, &subject, &by, &data))
			got = append(got, kind+" "+subject+" "+by)
			if kind == registry.AliasSet && data != `{"alias":"production","from":0,"version":1}` {
				t.Errorf("data is %s", data)
			}
		}
		must(t, rows.Err())
		if want := []string{"model.created m bob", "model.version_created m bob", "model.aliased m bob"}; !slices.Equal(got, want) {
			t.Errorf("events are %q", got)
		}
	})
}

var _ clock.Clock = (*stepping)(nil)
