package migrate_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mlops-cli/mlops/pkg/clock"
	"github.com/mlops-cli/mlops/pkg/dvc"
	"github.com/mlops-cli/mlops/pkg/migrate"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/progress"
	"github.com/mlops-cli/mlops/pkg/repo"
)

// theirs is a repository of DVC that is made by hand, without git.
type theirs struct {
	*testing.T
	root  string
	cache string // where keep puts objects; a remote has the same layout
}

func newTheirs(t *testing.T) *theirs {
	t.Helper()
	d := &theirs{T: t, root: t.TempDir()}
	d.cache = filepath.Join(d.root, ".dvc", "cache")
	d.write(".dvc/config", "")
	return d
}

func (d *theirs) path(name string) string { return filepath.Join(d.root, filepath.FromSlash(name)) }

func (d *theirs) write(name, text string) {
	d.Helper()
	put(d.T, d.path(name), text)
}

func put(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// keep puts content into the cache and returns its sum.
func (d *theirs) keep(algorithm, text string) dvc.Sum {
	d.Helper()
	sum, err := dvc.SumOf(algorithm, strings.NewReader(text))
	if err != nil {
		d.Fatal(err)
	}
	d.keepAs(sum, text)
	return sum
}

// keepAs puts content into the cache by a name that need not be true.
func (d *theirs) keepAs(sum dvc.Sum, text string) {
	d.Helper()
	file := filepath.Join(d.cache, filepath.FromSlash(sum.Key()))
	if _, err := os.Lstat(file); err == nil {
		return
	}
	put(d.T, file, text)
	if err := os.Chmod(file, 0o444); err != nil {
		d.Fatal(err)
	}
}

// keepDir puts a directory into the cache; its files are those of pairs of path
// and content.
func (d *theirs) keepDir(algorithm string, pairs ...string) dvc.Sum {
	d.Helper()
	var m dvc.Manifest
	for pair := range slices.Chunk(pairs, 2) {
		m = append(m, dvc.File{Path: pair[0], Hex: d.keep(algorithm, pair[1]).Hex})
	}
	text, sum := m.Encode(algorithm)
	d.keepAs(sum, string(text))
	return sum
}

// track writes a .dvc file.
func (d *theirs) track(name string, sum dvc.Sum) {
	d.Helper()
	text := "outs:\n- md5: " + sum.Hex + "\n  path: " + name[strings.LastIndexByte(name, '/')+1:] + "\n"
	if sum.Algorithm == dvc.MD5 {
		text += "  hash: md5\n"
	}
	d.write(name+".dvc", text)
}

// open opens the repository of mlops beside it, which is made when missing.
func (d *theirs) open() *repo.Repo {
	d.Helper()
	if _, err := repo.Init(d.Context(), d.root, repo.InitOptions{NoGit: true}); err != nil {
		d.Fatal(err)
	}
	r, err := repo.Find(d.Context(), d.root)
	if err != nil {
		d.Fatal(err)
	}
	r.Foreign = migrate.NewReader(r)
	d.Cleanup(func() {
		if err := r.Close(); err != nil {
			d.Error(err)
		}
	})
	return r
}

func (d *theirs) origin() *migrate.Origin {
	d.Helper()
	o, err := migrate.FindOrigin(d.root)
	if err != nil {
		d.Fatal(err)
	}
	return o
}

// importer takes it over; runs and revisions are for what git has.
func (d *theirs) importer(r *repo.Repo) *migrate.Importer {
	d.Helper()
	return migrate.NewImporter(migrate.Config{Repo: r, Origin: d.origin(), Clock: clock.System{}, Report: progress.Nop{}})
}

func (d *theirs) take(r *repo.Repo) migrate.ImportResult {
	d.Helper()
	res, err := d.importer(r).Import(d.Context(), migrate.ImportRequest{})
	if err != nil {
		d.Fatal(err)
	}
	return res
}

// states are "path state" of what was taken over.
func states(res migrate.ImportResult) []string {
	var list []string
	for _, p := range res.Paths {
		list = append(list, fmt.Sprint(p.Path, " ", p.State))
	}
	slices.Sort(list)
	return list
}

func (d *theirs) same(what string, got, want []string) {
	d.Helper()
	if !slices.Equal(got, want) {
		d.Errorf("%s: %q, want %q", what, got, want)
	}
}

// holds checks that the store has content.
func (d *theirs) holds(r *repo.Repo, text string) {
	d.Helper()
	st, err := r.Store(d.Context())
	if err != nil {
		d.Fatal(err)
	}
	got, err := st.Get(d.Context(), oid.Sum([]byte(text)))
	if err != nil || !bytes.Equal(got, []byte(text)) {
		d.Errorf("the store does not have %.20q: %v", text, err)
	}
}

// lacks checks that the store does not have content.
func (d *theirs) lacks(r *repo.Repo, text string) {
	d.Helper()
	st, err := r.Store(d.Context())
	if err != nil {
		d.Fatal(err)
	}
	if st.Has(oid.Sum([]byte(text))) {
		d.Errorf("the store has %.20q", text)
	}
}
