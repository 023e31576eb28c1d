package transfer_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/progress"
	"github.com/mlops-cli/mlops/pkg/remote"
	"github.com/mlops-cli/mlops/pkg/remote/file"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/store"
	"github.com/mlops-cli/mlops/pkg/transfer"
	"github.com/mlops-cli/mlops/pkg/tree"
)

// site is a repository on one machine.
type site struct {
	t  *testing.T
	r  *repo.Repo
	st *store.Store
}

func newSite(t *testing.T) *site {
	t.Helper()
	dir := t.TempDir()
	_, err := repo.Init(t.Context(), dir, repo.InitOptions{NoGit: true})
	check(t, err)
	r, err := repo.Find(t.Context(), dir)
	check(t, err)
	t.Cleanup(func() { check(t, r.Close()) })
	st, err := r.Store(t.Context())
	check(t, err)
	return &site{t, r, st}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%v\nhints: %q", err, errs.Hints(err))
	}
}

func blob(seed uint64, size int) []byte {
	b := make([]byte, size)
	r := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), byte(seed >> 16), 1})
	_, _ = r.Read(b)
	return b
}

// dir stores a directory of files and returns it as a tracked object.
func (s *site) dir(path string, files map[string][]byte) repo.Object {
	s.t.Helper()
	b, err := s.st.NewBatch(s.t.Context())
	check(s.t, err)
	below := map[string][]tree.Entry{}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		data := files[name]
		id, err := b.PutBytes(data)
		check(s.t, err)
		parent, base := filepath.Split(name)
		below[strings.TrimSuffix(parent, "/")] = append(below[strings.TrimSuffix(parent, "/")],
			tree.Entry{Name: base, Kind: tree.File, Size: int64(len(data)), Files: 1, ID: id})
	}
	for parent, entries := range below {
		if parent == "" {
			continue
		}
		e, err := tree.Build(b, entries)
		check(s.t, err)
		e.Name = parent
		below[""] = append(below[""], e)
	}
	root, err := tree.Build(b, below[""])
	check(s.t, err)
	check(s.t, b.Commit())
	check(s.t, b.Close())
	return repo.Object{Path: path, Kind: tree.Dir, ID: root.ID, Size: root.Size, Files: root.Files}
}

func (s *site) file(path string, data []byte) repo.Object {
	s.t.Helper()
	b, err := s.st.NewBatch(s.t.Context())
	check(s.t, err)
	id, err := b.PutBytes(data)
	check(s.t, err)
	check(s.t, b.Commit())
	check(s.t, b.Close())
	return repo.Object{Path: path, Kind: tree.File, ID: id, Size: int64(len(data)), Files: 1}
}

// many makes n files in directories of 50.
func many(seed uint64, n int) map[string][]byte {
	files := map[string][]byte{}
	for i := range n {
		files[fmt.Sprintf("d%d/f%d", i/50, i)] = blob(seed+uint64(i), 500+i%1000)
	}
	return files
}

func bucket(t *testing.T) (b *file.Bucket, dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "remote")
	b, err := file.Open(dir)
	check(t, err)
	return b, dir
}

func (s *site) over(b remote.Bucket) *transfer.Transfer {
	return transfer.New(s.r, remote.NewConn(b, remote.Options{Backoff: time.Microsecond}), "origin", progress.Nop{})
}

func (s *site) push(b remote.Bucket, objects ...repo.Object) transfer.Summary {
	s.t.Helper()
	sum, err := s.over(b).Push(s.t.Context(), transfer.PushRequest{Objects: objects, By: "test"})
	check(s.t, err)
	return sum
}

func (s *site) fetch(b remote.Bucket, objects ...repo.Object) transfer.Summary {
	s.t.Helper()
	sum, err := s.over(b).Fetch(s.t.Context(), request(objects...))
	check(s.t, err)
	return sum
}

func request(objects ...repo.Object) transfer.FetchRequest {
	return transfer.FetchRequest{Selection: transfer.Selection{Objects: objects}}
}

// whole fails the test unless all of o is in the store, byte for byte.
func (s *site) whole(o repo.Object) {
	s.t.Helper()
	ctx := context.WithoutCancel(s.t.Context())
	if o.Kind != tree.Dir {
		_, err := s.st.Get(ctx, o.ID)
		check(s.t, err)
		return
	}
	check(s.t, tree.Nodes(ctx, s.st, o.ID, func(oid.ID) bool { return false }, func(id oid.ID, _ bool, _ int64) error {
		_, err := s.st.Get(ctx, id)
		return err
	}))
}
