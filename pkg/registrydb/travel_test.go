package registrydb_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/registry"
	"github.com/mlops-cli/mlops/pkg/registrydb"
)

// machine is one of several that share a remote.
func machine(t *testing.T, clock int64) *registrydb.Service {
	t.Helper()
	return registrydb.New(sqlite(t), &stepping{now: clock}).As(fmt.Sprint("user", clock))
}

// records are all that a machine would push.
func records(t *testing.T, s *registrydb.Service) [][]byte {
	t.Helper()
	exports, err := s.Exports(t.Context())
	must(t, err)
	var list [][]byte
	for _, e := range exports {
		data, err := s.Record(t.Context(), e)
		must(t, err)
		if oid.Sum(data) != e.Record {
			t.Errorf("the record of %s is not what Exports says", e.Ref)
		}
		list = append(list, data)
	}
	return list
}

func take(t *testing.T, s *registrydb.Service, from *registrydb.Service) registrydb.Imported {
	t.Helper()
	res, err := s.Import(t.Context(), records(t, from)...)
	must(t, err)
	return res
}

// same fails when two machines would push different records.
func same(t *testing.T, a, b *registrydb.Service) {
	t.Helper()
	x, y := records(t, a), records(t, b)
	if !slices.EqualFunc(x, y, bytes.Equal) {
		t.Errorf("machines differ:\n%s\n---\n%s", bytes.Join(x, nil), bytes.Join(y, nil))
	}
}

func TestChangesMerge(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	a, b := machine(t, 1000), machine(t, 2000)
	create(t, a, "m", registry.Tag{Key: "team", Value: "growth"})
	for range 2 {
		version(t, a, registry.Version{Model: "m", Details: registry.Details{Object: oid.Sum([]byte("x")), Kind: "file", Path: "p"}})
	}
	must(t, a.SetAlias(ctx, "m", "production", 1))
	if res := take(t, b, a); res.Added != 2 {
		t.Errorf("took in %+v", res)
	}
	same(t, a, b)

	// Both go on by themselves.
	one := registry.Ref{Name: "m", Number: 1}
	must(t, a.SetTag(ctx, one, "checked", "by a"))
	must(t, b.SetTag(ctx, one, "checked", "by b")) // later
	must(t, a.Describe(ctx, one, "first"))
	must(t, b.SetAlias(ctx, "m", "production", 2))
	must(t, a.DeleteTag(ctx, registry.Ref{Name: "m"}, "team"))
	_, err := a.SetStage(ctx, "m", 2, registry.Production, false)
	must(t, err)
	must(t, a.Approve(ctx, "m", 2, registry.Approval{}))
	must(t, b.Approve(ctx, "m", 2, registry.Approval{}))
	take(t, a, b)
	take(t, b, a)
	same(t, a, b)
	v, err := a.Version(ctx, "m", 1)
	must(t, err)
	if v.Tags[0].Value != "by b" || v.Description != "first" {
		t.Errorf("merged to %+v", v)
	}
	if v, err = b.Find(ctx, registry.Ref{Name: "m", Alias: "production"}); err != nil || v.Number != 2 || v.Stage != registry.Production || len(v.Approvals) != 2 {
		t.Errorf("production is %+v (%v)", v, err)
	}
	m, err := b.Model(ctx, "m")
	must(t, err)
	if len(m.Tags) != 0 {
		t.Errorf("a tag that was removed is back: %+v", m.Tags)
	}

	// Deletions travel and stay.
	before := records(t, a)
	must(t, a.Delete(ctx, one))
	take(t, b, a)
	same(t, a, b)
	if _, err := b.Import(ctx, before...); err != nil {
		t.Fatal(err)
	}
	_, err = b.Version(ctx, "m", 1)
	wantMissing(t, err, registry.MissingError{Model: "m", Version: 1})
	if v := version(t, b, registry.Version{Model: "m"}); v.Number != 3 {
		t.Errorf("the next version is %d", v.Number)
	}
}

func TestTheSameNumberTwice(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	a, b := machine(t, 1000), machine(t, 2000)
	create(t, a, "m")
	create(t, b, "m")
	theirs := version(t, a, registry.Version{Model: "m", Description: "of a"})
	mine := version(t, b, registry.Version{Model: "m", Description: "of b"})
	must(t, b.SetAlias(ctx, "m", "production", 1))

	res := take(t, b, a)
	if res.Added != 0 {
		t.Errorf("took in %+v", res)
	}
	if v, err := b.Version(ctx, "m", 1); err != nil || v.ID != mine.ID {
		t.Errorf("version 1 became another one: %+v (%v)", v, err)
	}
	waiting, err := b.Waiting(ctx)
	must(t, err)
	if len(waiting) != 1 || waiting[0].ID != theirs.ID {
		t.Fatalf("waiting is %+v", waiting)
	}
	if v := version(t, b, registry.Version{Model: "m"}); v.Number != 2 {
		t.Errorf("the next version is %d", v.Number)
	}
	to, err := b.Renumber(ctx, "m", 1)
	must(t, err)
	if to != 3 {
		t.Errorf("renumbered to %d", to)
	}
	if v, err := b.Version(ctx, "m", 1); err != nil || v.ID != theirs.ID || v.Description != "of a" {
		t.Errorf("version 1 is %+v (%v)", v, err)
	}
	if v, err := b.Find(ctx, registry.Ref{Name: "m", Alias: "production"}); err != nil || v.ID != mine.ID || v.Number != 3 {
		t.Errorf("production is %+v (%v): an alias stays with its version", v, err)
	}
	if waiting, err = b.Waiting(ctx); err != nil || len(waiting) != 0 {
		t.Errorf("still waiting: %+v (%v)", waiting, err)
	}
	if _, err := b.Renumber(ctx, "m", 1); err == nil || !strings.Contains(err.Error(), "stays what it is") {
		t.Errorf("renumbered without need: %v", err)
	}
	take(t, a, b)
	same(t, a, b)
}

func TestADeletedVersionMakesRoom(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	a, b := machine(t, 1000), machine(t, 2000)
	create(t, a, "m")
	create(t, b, "m")
	version(t, a, registry.Version{Model: "m"})
	version(t, b, registry.Version{Model: "m"})
	must(t, b.Delete(ctx, registry.Ref{Name: "m", Number: 1}))
	if res := take(t, b, a); res.Added != 1 {
		t.Errorf("took in %+v", res)
	}
	take(t, a, b)
	same(t, a, b)
}

func TestDeletedModelsTravel(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	a, b := machine(t, 1000), machine(t, 2000)
	create(t, a, "m")
	version(t, a, registry.Version{Model: "m"})
	must(t, a.SetAlias(ctx, "m", "production", 1))
	take(t, b, a)
	must(t, b.Delete(ctx, registry.Ref{Name: "m"}))
	take(t, a, b)
	_, err := a.Model(ctx, "m")
	wantMissing(t, err, registry.MissingError{Model: "m"})
	same(t, a, b)
	// A number that others know is not used again.
	create(t, b, "m")
	if v := version(t, b, registry.Version{Model: "m"}); v.Number != 2 {
		t.Errorf("the first version of a model made anew is %d", v.Number)
	}
	take(t, a, b)
	same(t, a, b)
	m, err := a.Model(ctx, "m")
	must(t, err)
	if m.Versions != 1 || len(m.Aliases) != 0 {
		t.Errorf("made anew: %+v", m)
	}

	// What was not known where a model was deleted stays.
	c := machine(t, 90_000)
	take(t, c, a)
	must(t, b.Delete(ctx, registry.Ref{Name: "m"}))
	version(t, c, registry.Version{Model: "m", Description: "unseen"})
	take(t, c, b)
	take(t, b, c)
	same(t, c, b)
	list, err := b.Versions(ctx, registry.Query{})
	must(t, err)
	if len(list) != 1 || list[0].Description != "unseen" {
		t.Errorf("versions are %+v", list)
	}
}

func TestRenamedModelsTravel(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	a, b := machine(t, 1000), machine(t, 2000)
	create(t, a, "old", registry.Tag{Key: "k", Value: "v"})
	version(t, a, registry.Version{Model: "old", Tags: []registry.Tag{{Key: "x", Value: "y"}}})
	must(t, a.SetAlias(ctx, "old", "production", 1))
	take(t, b, a)
	_, err := a.Rename(ctx, "old", "new")
	must(t, err)
	take(t, b, a)
	same(t, a, b)
	v, err := b.Find(ctx, registry.Ref{Name: "new", Alias: "production"})
	if err != nil || v.Tags[0].Value != "y" {
		t.Errorf("renamed to %+v (%v)", v, err)
	}
	_, err = b.Model(ctx, "old")
	wantMissing(t, err, registry.MissingError{Model: "old"})
}

func TestRecordsAreRefused(t *testing.T) {
	t.Parallel()
	s := machine(t, 1000)
	for _, text := range []string{
		"", "{}", `{"mlops_model":2,"name":"m"}`, `{"mlops_model":1,"name":"a/b"}`, `{"mlops_model_version":1,"name":"m","version":0,"id":"` + strings.Repeat("a", 32) + `","stage":{"value":"None"}}`,
		`{"mlops_model_version":1,"name":"m","version":1,"id":"x","stage":{"value":"None"}}`,
		`{"mlops_model_version":1,"name":"m","version":1,"id":"` + strings.Repeat("a", 32) + `","stage":{"value":"Best"}}`,
	} {
		if _, err := s.Import(t.Context(), []byte(text)); err == nil {
			t.Errorf("%s was taken in", text)
		}
	}
}
