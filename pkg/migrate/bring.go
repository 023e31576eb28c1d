package migrate

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/mlops-cli/mlops/pkg/dvc"
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/progress"
	"github.com/mlops-cli/mlops/pkg/remote"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/store"
	"github.com/mlops-cli/mlops/pkg/tree"
)

// bringer takes objects out of DVC's caches and remotes into the store. Every
// one is read once, and its sum must be what its name says.
type bringer struct {
	store  *store.Store
	sums   *sums
	caches []string
	remote *remote.Conn // nil: only caches are asked
	task   progress.Task

	onlyIDs bool               // learn the ids, store nothing
	extra   map[dvc.Sum][]byte // manifests that no cache has

	batch sink
	known map[dvc.Sum]piece // files that were brought before

	links   atomic.Int64 // that were made: numbers their names
	mu      sync.Mutex
	objects int64 // files that were brought
	bytes   int64
	linked  int64 // of which so many bytes are shared with the cache
	fetched int64 // of which so many are from the remote
}

// sink stores objects.
type sink interface {
	PutBytes(data []byte) (oid.ID, error)
	PutTree(node []byte) (oid.ID, error)
	PutFile(f *os.File, size int64) (oid.ID, error)
	AdoptObject(path string, id oid.ID) error
}

// idSink only names objects. Files are never put there: see fromCache.
type idSink struct{}

func (idSink) PutBytes(data []byte) (oid.ID, error) { return oid.Sum(data), nil }

func (idSink) PutTree(node []byte) (oid.ID, error) { return oid.Sum(node), nil }

func (idSink) PutFile(*os.File, int64) (oid.ID, error) { return oid.ID{}, errors.ErrUnsupported }

func (idSink) AdoptObject(path string, _ oid.ID) error { return os.Remove(path) }

// piece is a file in the store.
type piece struct {
	id   oid.ID
	size int64
}

// errAbsent says that neither a cache nor the remote has an object.
var errAbsent = errors.New("neither DVC's cache nor its remote has it")

// bring stores what wants name. It returns, for each, the alias and whether it is
// in the store now; problems are of single wants: what is damaged counts as absent.
func (b *bringer) bring(ctx context.Context, wants []dvc.Sum) (got map[dvc.Sum]alias, problems []error, err error) {
	got = map[dvc.Sum]alias{}
	batch, err := b.store.NewBatch(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, batch.Close()) }()
	if b.batch = sink(batch); b.onlyIDs {
		b.batch = idSink{}
	}
	var list []alias
	tried := map[dvc.Sum]bool{}
	for _, s := range wants {
		if tried[s] {
			continue
		}
		tried[s] = true
		a, err := b.one(ctx, s)
		switch {
		case err == nil:
			got[s] = a
			list = append(list, a)
		case ctx.Err() != nil:
			return nil, nil, ctx.Err()
		case errors.Is(err, errAbsent) || errs.Is(err, errs.NotFound):
		case errs.Is(err, errs.Corrupt):
			problems = append(problems, err)
		default:
			return nil, nil, err
		}
	}
	if err := batch.Commit(); err != nil {
		return nil, nil, err
	}
	return got, problems, b.sums.put(ctx, list)
}

func (b *bringer) one(ctx context.Context, s dvc.Sum) (alias, error) {
	if !s.IsDir() {
		p, err := b.file(ctx, s)
		return alias{sum: s, id: p.id, size: p.size, files: 1}, err
	}
	text, err := b.bytesOf(ctx, s)
	if err != nil {
		return alias{}, err
	}
	manifest, err := dvc.ParseManifest(text)
	if err != nil {
		return alias{}, errs.New(errs.Corrupt, "%s in DVC's cache: %w", s.Hex, err)
	}
	if err := b.recall(ctx, manifest); err != nil {
		return alias{}, err
	}
	edits, err := b.files(ctx, s, manifest)
	if err != nil {
		return alias{}, err
	}
	total, err := buildTree(b.batch, edits)
	if err != nil {
		return alias{}, err
	}
	return alias{sum: s, id: total.ID, size: total.Size, files: total.Files, parts: partsOf(manifest)}, nil
}

// chunk is how many files of a directory one worker takes at once.
const chunk = 64

func (b *bringer) files(ctx context.Context, dir dvc.Sum, manifest dvc.Manifest) (map[string]tree.Entry, error) {
	entries := make([]tree.Entry, len(manifest))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(4 * runtime.GOMAXPROCS(0))
	size := chunk
	if b.remote != nil {
		g.SetLimit(b.remote.Jobs())
		size = 1
	}
	for from := 0; from < len(manifest); from += size {
		g.Go(func() error {
			for i := from; i < min(from+size, len(manifest)); i++ {
				p, err := b.file(ctx, dir.File(manifest[i].Hex))
				if err != nil {
					return fmt.Errorf("%s: %w", manifest[i].Path, err)
				}
				entries[i] = tree.Entry{Kind: tree.File, Size: p.size, Files: 1, ID: p.id}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	edits := make(map[string]tree.Entry, len(manifest))
	for i, f := range manifest {
		edits[f.Path] = entries[i]
	}
	return edits, nil
}

// buildTree stores a directory that is given by the paths of its files.
func buildTree(sink tree.Sink, files map[string]tree.Entry) (tree.Entry, error) {
	own := map[string][]tree.Entry{}
	below := map[string]map[string]tree.Entry{}
	var entries []tree.Entry
	for p, e := range files {
		dir, rest, deeper := strings.Cut(p, "/")
		if !deeper {
			e.Name = p
			entries = append(entries, e)
			own[p] = nil
			continue
		}
		if below[dir] == nil {
			below[dir] = map[string]tree.Entry{}
		}
		below[dir][rest] = e
	}
	for dir, files := range below {
		if _, clash := own[dir]; clash {
			return tree.Entry{}, errs.New(errs.Corrupt, "%s is both a file and a directory", dir)
		}
		e, err := buildTree(sink, files)
		if err != nil {
			return e, err
		}
		e.Name = dir
		entries = append(entries, e)
	}
	return tree.Build(sink, entries)
}

// recall makes the files known that directories brought before have in common
// with a manifest, so that they are not fetched again.
func (b *bringer) recall(ctx context.Context, manifest dvc.Manifest) error {
	if b.remote == nil || b.known != nil || len(manifest) < 2 {
		return nil
	}
	b.known = map[dvc.Sum]piece{}
	var dirs []alias
	if err := b.sums.query(ctx, "parts IS NOT NULL", nil, func(a alias) { dirs = append(dirs, a) }); err != nil {
		return err
	}
	for _, a := range dirs {
		at := map[string]tree.Entry{}
		var paths []string
		err := tree.Walk(ctx, b.store, a.id, func(p string, e tree.Entry) error {
			if e.Kind == tree.File && b.store.Has(e.ID) {
				at[p] = e
			}
			if e.Kind != tree.Dir {
				paths = append(paths, p)
			}
			return nil
		})
		if errs.Is(err, errs.NotFound) {
			continue // it is not here any more
		}
		if err != nil {
			return err
		}
		parts, err := b.sums.parts(ctx, a, paths)
		if err != nil {
			return err
		}
		for p, digits := range parts {
			if e, ok := at[p]; ok {
				b.known[dvc.Sum{Algorithm: a.sum.Algorithm, Hex: digits}] = piece{e.ID, e.Size}
			}
		}
	}
	return nil
}

// objectAt is the alias as an object at a path.
func (a *alias) objectAt(p string, exec bool) repo.Object {
	return repo.Object{Path: p, Kind: a.kind(), Exec: exec && a.kind() == tree.File, ID: a.id, Size: a.size, Files: a.files}
}
