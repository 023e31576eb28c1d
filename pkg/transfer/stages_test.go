package transfer_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/stagefile"
	"github.com/mlops-cli/mlops/pkg/transfer"
	"github.com/mlops-cli/mlops/pkg/tree"
)

// fakeStages keeps a stage cache in memory.
type fakeStages map[string]string

func (f fakeStages) add(stage string, outs ...stagefile.Asset) string {
	id := oid.Sum([]byte(stage))
	lock := stagefile.NewLock()
	lock.Set(stagefile.Record{Stage: stage, Fingerprint: id.String(), Cmd: []string{"make " + stage}, Outs: outs})
	f[id.String()] = string(lock.Encode())
	return id.String()
}

func (f fakeStages) Fingerprints(context.Context) ([]string, error) {
	var all []string
	for print := range f {
		all = append(all, print)
	}
	return all, nil
}

func (f fakeStages) Entries(_ context.Context, some []string) ([]transfer.StageEntry, error) {
	var list []transfer.StageEntry
	for _, print := range some {
		list = append(list, transfer.StageEntry{Fingerprint: print, Record: f[print]})
	}
	return list, nil
}

func (f fakeStages) Learn(_ context.Context, entries []transfer.StageEntry) (int, error) {
	added := 0
	for _, e := range entries {
		if _, ok := f[e.Fingerprint]; !ok {
			added++
			f[e.Fingerprint] = e.Record
		}
	}
	return added, nil
}

func out(o repo.Object) stagefile.Asset {
	a := stagefile.Asset{Path: o.Path, Kind: stagefile.KindFile, ID: o.ID, Size: o.Size, Files: max(o.Files, 1)}
	if o.Kind == tree.Dir {
		a.Kind = stagefile.KindDir
	}
	return a
}

func TestStagesTravel(t *testing.T) {
	t.Parallel()
	a, b := newSite(t), newSite(t)
	bk, _ := bucket(t)
	model := a.dir("model", many(1, 30))
	here := fakeStages{}
	here.add("train", out(model))
	secret := out(model)
	secret.NoPush = true
	kept := here.add("secret", secret)
	gone := here.add("gone", stagefile.Asset{Path: "gone", Kind: stagefile.KindFile, ID: oid.Sum([]byte("gone")), Size: 4, Files: 1})
	dry, err := a.over(bk).Push(t.Context(), transfer.PushRequest{Stages: here, DryRun: true})
	check(t, err)
	sum, err := a.over(bk).Push(t.Context(), transfer.PushRequest{Stages: here})
	check(t, err)
	if sum.Stages != 1 || dry.Stages != 1 {
		t.Errorf("pushed %+v, said %+v", sum, dry)
	}

	there := fakeStages{}
	dry, err = b.over(bk).Fetch(t.Context(), transfer.FetchRequest{Stages: there, DryRun: true})
	check(t, err)
	got, err := b.over(bk).Fetch(t.Context(), transfer.FetchRequest{Stages: there})
	check(t, err)
	if got.Stages != 1 || dry.Stages != 1 || len(there) != 1 || there[kept] != "" || there[gone] != "" {
		t.Errorf("fetched %+v, said %+v, has %d", got, dry, len(there))
	}
	// The root in the log proves that the outputs are there.
	b.fetch(bk, model)
	b.whole(model)

	// Nothing new: three requests here and there, and nothing goes back.
	again, err := b.over(bk).Fetch(t.Context(), transfer.FetchRequest{Stages: there})
	check(t, err)
	back, err := b.over(bk).Push(t.Context(), transfer.PushRequest{Stages: there})
	check(t, err)
	if again.Requests > 3 || back.Requests > 3 || again.Stages+back.Stages != 0 {
		t.Errorf("%+v, %+v", again, back)
	}

	// What the other one adds comes back, alone.
	data := b.dir("data", many(2, 5))
	there.add("prepare", out(data))
	sum, err = b.over(bk).Push(t.Context(), transfer.PushRequest{Stages: there})
	check(t, err)
	got, err = a.over(bk).Fetch(t.Context(), transfer.FetchRequest{Stages: here})
	check(t, err)
	if sum.Stages != 1 || got.Stages != 1 || len(here) != 4 {
		t.Errorf("pushed %+v, fetched %+v, has %d", sum, got, len(here))
	}
}

func TestBundleIsAsSpecified(t *testing.T) {
	t.Parallel()
	golden := filepath.Join("testdata", "v1", "stages.jsonl")
	f := fakeStages{}
	f.add("train", stagefile.Asset{Path: "model", Kind: stagefile.KindFile, ID: oid.Sum([]byte("m")), Size: 1, Files: 1})
	f.add("a<b", stagefile.Asset{Path: "data", Kind: stagefile.KindDir, ID: oid.Sum([]byte("d")), Size: 5, Files: 2})
	prints, _ := f.Fingerprints(t.Context())
	entries, _ := f.Entries(t.Context(), prints)
	got, err := transfer.EncodeBundle(entries)
	check(t, err)
	if os.Getenv("MLOPS_UPDATE") != "" {
		check(t, os.WriteFile(golden, got, 0o666))
	}
	want, err := os.ReadFile(golden)
	check(t, err)
	if string(got) != string(want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	read, err := transfer.DecodeBundle(want)
	check(t, err)
	if !slices.Equal(read, entries) {
		t.Errorf("read %v", read)
	}
	for _, bad := range []string{
		"", "x\n", `{"mlops_stages":2}` + "\n", strings.Replace(string(want), "0", "1", 3), string(want[:len(want)-3]),
		strings.Replace(string(want), `"fingerprint":"`, `"fingerprint":"0`, 1),
	} {
		if _, err := transfer.DecodeBundle([]byte(bad)); err == nil {
			t.Errorf("accepted %.60q", bad)
		}
	}
}
