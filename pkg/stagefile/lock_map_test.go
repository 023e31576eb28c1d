package stagefile_test

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/paramfile"
	"github.com/mlops-cli/mlops/pkg/stagefile"
)

func mapRecord(stage string, list any) stagefile.Record {
	return stagefile.Record{
		Stage: stage, Fingerprint: oid.Sum([]byte(stage)).String(), List: list,
		Deps: []stagefile.Asset{{Path: "items.json", Kind: stagefile.KindFile, ID: oid.Sum([]byte("i")), Size: 3, Files: 1}},
	}
}

func TestGoldenLockOfMapStagesReadsForever(t *testing.T) {
	t.Parallel()
	m := paramfile.NewMap()
	inner := paramfile.NewMap()
	inner.Set("lr", 0.5)
	m.Set("b c", inner)
	m.Set("a", "text")
	text := lockOf(mapRecord("each", []any{"b", "a", int64(2), []any{true}}), mapRecord("keyed", m), mapRecord("none", []any{}), mapRecord("void", paramfile.NewMap()))
	const golden = "testdata/mapped.lock"
	if *update {
		if err := os.WriteFile(golden, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(text, want) {
		t.Fatalf("the spelling of the lock changed:\n%s", text)
	}
	l, err := stagefile.ParseLock(golden, want)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range l.Records() {
		if r.Doubled || r.List == nil {
			t.Errorf("%s: %+v", r.Stage, r)
		}
	}
	if again := l.Encode(); !bytes.Equal(again, want) {
		t.Fatalf("not the same after reading:\n%s", again)
	}
	r, _ := l.Stage("each")
	if list, ok := r.List.([]any); !ok || len(list) != 4 || list[0] != "b" {
		t.Errorf("%+v", r.List)
	}
}

func TestMergedListsAreDoubled(t *testing.T) {
	t.Parallel()
	a, b := string(lockOf(mapRecord("each", []any{"a", "b"}))), string(lockOf(mapRecord("each", []any{"a", "c"})))
	_, only, _ := strings.Cut(b, "item \"a\"\n")
	l, err := stagefile.ParseLock("merged", []byte(a+only))
	if err != nil {
		t.Fatal(err)
	}
	if r, _ := l.Stage("each"); !r.Doubled {
		t.Errorf("lines of two sides pass for one record: %+v", r)
	}
	for _, bad := range []string{"each item 1\n", "each map heap\n", "each map list\neach item [\n", "each map list\neach map list\n"} {
		if l, err := stagefile.ParseLock("bad", []byte(bad)); err == nil {
			if r, _ := l.Stage("each"); !r.Doubled {
				t.Errorf("%q passes: %+v", bad, r)
			}
		}
	}
}
