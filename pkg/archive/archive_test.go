package archive_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/mlops-cli/mlops/pkg/archive"
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/store"
	"github.com/mlops-cli/mlops/pkg/track"
	"github.com/mlops-cli/mlops/pkg/tree"
)

// runs is archive.Runs in memory.
type runs map[string]track.Run

func (r runs) Run(_ context.Context, id string) (track.Run, error) { return r[id], nil }

func (r runs) Record(_ context.Context, id string) ([]byte, error) {
	return track.Record{Run: r[id]}.Encode()
}

func (r runs) Import(_ context.Context, records ...[]byte) (added int, err error) {
	for _, text := range records {
		record, err := track.DecodeRecord(text)
		if err != nil {
			return added, err
		}
		if _, known := r[record.Run.ID]; !known {
			added++
		}
		r[record.Run.ID] = record.Run
	}
	return added, nil
}

func openStore(t *testing.T) *store.Store {
	t.Helper()
	st, err := store.Open(t.Context(), t.TempDir(), store.Options{What: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	return st
}

const id = "0123456789abcdef0123456789abcdef"

// fill stores a directory, a large file and a log, and returns a run that
// names them and one file more, which is not there.
func fill(t *testing.T, st *store.Store) track.Run {
	t.Helper()
	b, err := st.NewBatch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = b.Close() }()
	put := func(text string) oid.ID {
		id, err := b.PutBytes([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	small, large := put("small"), put(strings.Repeat("large", store.LooseSize))
	dir, err := tree.Build(b, []tree.Entry{{Name: "a", Kind: tree.File, Size: 5, Files: 1, ID: small}})
	if err != nil {
		t.Fatal(err)
	}
	log := put("a log")
	if err := b.Commit(); err != nil {
		t.Fatal(err)
	}
	return track.Run{
		ID: id, Name: "kept", Experiment: "Default", Kind: track.Pipeline, Status: track.Finished, StartTime: 1, EndTime: 2,
		Stages: []track.StageRecord{{Name: "train", Action: "ran", Log: log}},
		Assets: []track.Asset{
			{Path: "gone", Role: track.Artifact, Kind: "file", ID: oid.Sum([]byte("gone")), Size: 4, Files: 1},
			{Path: "model", Role: track.Model, Kind: "dir", ID: dir.ID, Size: 5, Files: 1},
			{Path: "plot", Role: track.Artifact, Kind: "file", ID: large, Size: 5 * store.LooseSize, Files: 1},
		},
	}
}

func TestRunsComeBackWithWhatTheyKept(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	from := openStore(t)
	source := runs{id: fill(t, from)}
	var first, second bytes.Buffer
	done, err := archive.Write(ctx, &first, from, source, []string{id}, false)
	if err != nil || done.Runs != 1 || done.Objects != 3 || len(done.Missing) != 1 {
		t.Fatalf("wrote %+v (%v)", done, err)
	}
	if _, err := archive.Write(ctx, &second, from, source, []string{id}, false); err != nil || !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Errorf("the same runs give other bytes (%v)", err)
	}
	to, target := openStore(t), runs{}
	for added := 1; added >= 0; added-- { // the second time nothing is new
		taken, err := archive.Read(ctx, bytes.NewReader(first.Bytes()), to, target)
		if err != nil || taken.Runs != 1 || taken.Added != added {
			t.Fatalf("took in %+v (%v)", taken, err)
		}
	}
	for _, a := range target[id].Assets {
		if to.Has(a.ID) == (a.Path == "gone") {
			t.Errorf("%s: in the store is %v", a.Path, to.Has(a.ID))
		}
	}
	if e, err := tree.Lookup(ctx, to, target[id].Assets[1].ID, "a"); err != nil || !to.Has(e.ID) {
		t.Errorf("the file of the directory did not come along (%v)", err)
	}
}

func TestWhatIsNoArchiveIsRefusedAndNothingRecorded(t *testing.T) {
	t.Parallel()
	from := openStore(t)
	var good bytes.Buffer
	if _, err := archive.Write(t.Context(), &good, from, runs{id: fill(t, from)}, []string{id}, false); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{
		"empty":         nil,
		"text":          []byte("no archive"),
		"cut off":       good.Bytes()[:good.Len()/2],
		"other content": rewrite(t, good.Bytes(), func(h *tar.Header, text []byte) { flip(h, text, "objects/") }),
		"other node":    rewrite(t, good.Bytes(), func(h *tar.Header, text []byte) { flip(h, text, "trees/") }),
		"other name":    rewrite(t, good.Bytes(), func(h *tar.Header, _ []byte) { h.Name = strings.Replace(h.Name, "runs/", "../", 1) }),
		"a link": rewrite(t, good.Bytes(), func(h *tar.Header, _ []byte) {
			if strings.HasPrefix(h.Name, "runs/") {
				h.Typeflag, h.Linkname, h.Size = tar.TypeSymlink, "/etc/passwd", 0
			}
		}),
	} {
		target := runs{}
		if _, err := archive.Read(t.Context(), bytes.NewReader(text), openStore(t), target); !errs.Is(err, errs.Corrupt) || len(target) > 0 {
			t.Errorf("%s: error is %v, %d runs", name, err, len(target))
		}
	}
	later := rewrite(t, good.Bytes(), func(h *tar.Header, text []byte) {
		if h.Name == "mlops-runs" {
			copy(text[len(text)-2:], "9")
		}
	})
	if _, err := archive.Read(t.Context(), bytes.NewReader(later), openStore(t), runs{}); !errs.Is(err, errs.Usage) {
		t.Errorf("a later format: %v", err)
	}
}

func flip(h *tar.Header, text []byte, prefix string) {
	if strings.HasPrefix(h.Name, prefix) {
		text[len(text)-1] ^= 1
	}
}

// rewrite copies an archive with changed entries.
func rewrite(t *testing.T, text []byte, change func(*tar.Header, []byte)) []byte {
	t.Helper()
	var out bytes.Buffer
	r, w := tar.NewReader(bytes.NewReader(text)), tar.NewWriter(&out)
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		change(h, content)
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(content[:h.Size]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
