package stagefile_test

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/paramfile"
	"github.com/mlops-cli/mlops/pkg/stagefile"
)

var update = flag.Bool("update", false, "write the golden files anew")

func record(stage, version string) stagefile.Record {
	return stagefile.Record{
		Stage:       stage,
		Fingerprint: oid.Sum([]byte(stage + version)).String(),
		Cmd:         []string{"python train.py --out 'a b'"},
		Deps: []stagefile.Asset{
			{Path: "src/train.py", Kind: stagefile.KindExec, ID: oid.Sum([]byte(version)), Size: 7, Files: 1},
			{Path: "data/ü x", Kind: stagefile.KindDir, ID: oid.Sum([]byte("dir")), Size: 1 << 40, Files: 1000},
		},
		Params: map[string]map[string]any{
			"params.yaml": {"lr": 0.1, "layers": []any{int64(1), "two"}, "name": "x y", "none": nil},
			"a b.json":    {"k": true},
		},
		Env:  map[string]string{"SEED": "7", "MSG": "two words"},
		Outs: []stagefile.Asset{{Path: "model-" + stage + ".pkl", Kind: stagefile.KindFile, ID: oid.Sum([]byte("m" + version)), Size: 12, Files: 1}, {Path: "metrics.json", Kind: stagefile.KindFile, ID: oid.Sum([]byte("x")), Size: 2, Files: 1, NoCache: true, NoPush: true}},
	}
}

func lockOf(records ...stagefile.Record) []byte {
	l := stagefile.NewLock()
	for _, r := range records {
		l.Set(r)
	}
	return l.Encode()
}

func TestGoldenLockReadsForever(t *testing.T) {
	t.Parallel()
	text := lockOf(record("train", "1"), record("prepare@a b", "1"), record("#odd", "2"))
	const golden = "testdata/mlops.lock"
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
		t.Fatalf("the lock is spelled differently now:\n%s", text)
	}
	l, err := stagefile.ParseLock("mlops.lock", want)
	if err != nil {
		t.Fatal(err)
	}
	got, ok := l.Stage("train")
	if !ok || got.Doubled {
		t.Fatalf("train: %v, doubled %v", ok, got.Doubled)
	}
	wanted := record("train", "1")
	slices.SortFunc(wanted.Deps, func(a, b stagefile.Asset) int { return strings.Compare(a.Path, b.Path) })
	slices.SortFunc(wanted.Outs, func(a, b stagefile.Asset) int { return strings.Compare(a.Path, b.Path) })
	if !reflect.DeepEqual(got, wanted) {
		t.Fatalf("\n got %+v\nwant %+v", got, wanted)
	}
	if n := len(l.Records()); n != 3 {
		t.Fatalf("%d records", n)
	}
	l.Remove("train")
	if _, ok := l.Stage("train"); ok {
		t.Fatal("train is still there")
	}
}

func TestDamagedLocksNameTheLine(t *testing.T) {
	t.Parallel()
	id := oid.Sum(nil).String()
	for text, want := range map[string]string{
		"train":                             "mlops.lock:1: line ends too early",
		"train  cmd x":                      "two spaces",
		"\ntrain cmdd x":                    `mlops.lock:2: unknown word "cmdd"`,
		"train out m file 1 1 zz":           "object id",
		"train out m fil 1 1 " + id:         `unknown kind "fil"`,
		"train out m file -1 1 " + id:       "size",
		"train out m file 1 1 " + id + " x": `unknown mark "x"`,
		"train dep m":                       "dep wants",
		"train param p k":                   "value",
		"train param p k {":                 "value",
		"train fingerprint x":               "fingerprint wants",
		"train env A":                       "env wants",
		`"train cmd`:                        "no end",
		`"train"cmd x`:                      "no space",
		"<<<<<<< HEAD":                      "merge conflict",
		"# mlops.lock 2: x":                 "newer",
	} {
		_, err := stagefile.ParseLock("mlops.lock", []byte(text))
		if !errs.Is(err, errs.Corrupt) || !strings.Contains(err.Error(), want) || len(errs.Hints(err)) == 0 {
			t.Errorf("%q: %v, want %q and a hint", text, err, want)
		}
	}
}

// merge runs git's own merge of three versions of a lock, as .gitattributes
// makes it merge, and returns the result.
func merge(t *testing.T, base, ours, theirs []byte, union bool) (*stagefile.Lock, bool) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string][]byte{"base": base, "ours": ours, "theirs": theirs} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	args := []string{"merge-file", "-p", "ours", "base", "theirs"}
	if union {
		args = slices.Insert(args, 1, "--union")
	}
	cmd := exec.CommandContext(t.Context(), "git", args...)
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil {
		return nil, false
	}
	l, err := stagefile.ParseLock("mlops.lock", out)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return l, true
}

func TestGitMergesOfDifferentStagesDoNotConflict(t *testing.T) {
	t.Parallel()
	a, b, c := record("a", "1"), record("b", "1"), record("c", "1")
	base := lockOf(a, b, c)
	ours, theirs := lockOf(record("a", "2"), b, c), lockOf(a, record("b", "2"), record("c", "2"))
	l, ok := merge(t, base, ours, theirs, false)
	if !ok {
		t.Fatal("git saw a conflict")
	}
	for _, r := range l.Records() {
		if want := record(r.Stage, "2"); r.Doubled || r.Fingerprint != want.Fingerprint {
			t.Errorf("stage %s: doubled %v, fingerprint %s", r.Stage, r.Doubled, r.Fingerprint)
		}
	}
}

func TestUnionMergeOfOneStageIsSeen(t *testing.T) {
	t.Parallel()
	a, b := record("a", "1"), record("b", "1")
	base := lockOf(a, b)
	l, ok := merge(t, base, lockOf(record("a", "2"), b), lockOf(record("a", "3"), b), true)
	if !ok {
		t.Fatal("git saw a conflict in a union merge")
	}
	got, _ := l.Stage("a")
	if !got.Doubled || len(got.Outs) != 3 {
		t.Fatalf("doubled %v, outs %v: want those of both sides", got.Doubled, got.Outs)
	}
	if other, _ := l.Stage("b"); other.Doubled {
		t.Fatal("the other stage is doubled too")
	}
	again, err := stagefile.ParseLock("mlops.lock", l.Encode())
	if err != nil {
		t.Fatal(err)
	}
	if got, _ = again.Stage("a"); !got.Doubled {
		t.Fatal("writing the lock made the stage whole")
	}
	l.Set(record("a", "4"))
	if again, err = stagefile.ParseLock("mlops.lock", l.Encode()); err != nil {
		t.Fatal(err)
	}
	if got, _ = again.Stage("a"); got.Doubled {
		t.Fatal("a fresh record is doubled")
	}
	// both sides begin the lock, and each adds a stage
	l, ok = merge(t, nil, lockOf(a), lockOf(b), true)
	if !ok || len(l.Records()) != 2 {
		t.Fatalf("two new locks: %v", l)
	}
	for _, r := range l.Records() {
		if r.Doubled {
			t.Errorf("stage %s is doubled", r.Stage)
		}
	}
}

func TestMixtureOfTwoRecordsIsSeen(t *testing.T) {
	t.Parallel()
	base := record("a", "1")
	otherOut := base
	otherOut.Outs = slices.Clone(base.Outs)
	otherOut.Outs[0].ID = oid.Sum([]byte("other"))
	lines := strings.Split(string(lockOf(base)), "\n")
	for i, line := range strings.Split(string(lockOf(otherOut)), "\n") {
		if strings.HasPrefix(line, "a out") {
			lines[i] = line
		}
	}
	l, err := stagefile.ParseLock("mlops.lock", []byte(strings.Join(lines, "\n")))
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := l.Stage("a"); !got.Doubled {
		t.Fatal("outs of another run stand in the record unseen")
	}
}

func FuzzParseLock(f *testing.F) {
	f.Add(lockOf(record("train", "1"), record("a b", "2")))
	f.Add([]byte("a fingerprint x y\na fingerprint x y\na param f k {\"$date\":\"2020-01-01\"}\n\"\\u0000\" cmd \"\"\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		l, err := stagefile.ParseLock("mlops.lock", text)
		if err != nil {
			return
		}
		once := l.Encode()
		again, err := stagefile.ParseLock("mlops.lock", once)
		if err != nil {
			t.Fatalf("%v\n%s", err, once)
		}
		if twice := again.Encode(); !bytes.Equal(once, twice) {
			t.Fatalf("%q\n%s\nbecame\n%s", text, once, twice)
		}
		for _, r := range l.Records() {
			for _, m := range r.Params {
				for _, v := range m {
					paramfile.Encode(v)
				}
			}
		}
	})
}
