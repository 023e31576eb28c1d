package migrate

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mlops-cli/mlops/pkg/dvc"
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/fsx"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/pipeline"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/stagefile"
	"github.com/mlops-cli/mlops/pkg/tree"
)

// LockWriter writes what ran into dvc.lock, its outs into DVC's cache and the
// entry into the run cache, so that DVC takes the stages for its own.
type LockWriter struct {
	reader *Reader
	origin *Origin
}

// NewLockWriter returns the writer of the locks of r.
func NewLockWriter(r *repo.Repo) (*LockWriter, error) {
	o, err := FindOrigin(r.Root)
	if err != nil {
		return nil, err
	}
	return &LockWriter{reader: NewReader(r), origin: o}, nil
}

// Write records stages that ran. Of stages of mlops.yaml DVC knows nothing: they
// are left out.
func (w *LockWriter) Write(ctx context.Context, done []pipeline.Done) error {
	byDir := map[string][]dvc.Stage{}
	for _, d := range done {
		if path.Base(d.Stage.File) != stagefile.DVCFileName {
			continue
		}
		s, err := w.stage(ctx, d)
		if err != nil {
			return errs.New(errs.KindOf(err), "write the entry of stage %s in dvc.lock: %w", d.Stage.Name, err)
		}
		dir := path.Dir(d.Stage.File)
		byDir[dir] = append(byDir[dir], s)
	}
	for dir, stages := range byDir {
		file := path.Join(dir, dvc.LockName)
		err := w.reader.repo.Locked(ctx, "dvc-lock.lock", "mlops run", func() error {
			name := w.reader.repo.Path(file)
			text, err := os.ReadFile(name)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			if text, err = dvc.SetStages(file, text, stages...); err != nil {
				return err
			}
			return fsx.WriteFile(name, text, 0o644)
		})
		if err != nil {
			return errs.New(errs.KindOf(err), "write DVC's lock: %w", err)
		}
	}
	return nil
}

func (w *LockWriter) stage(ctx context.Context, d pipeline.Done) (dvc.Stage, error) {
	s := dvc.Stage{Name: d.Stage.Name, Cmd: d.Stage.Cmd, IsList: d.Stage.CmdIsList, Params: map[string]map[string]any{}}
	for file, values := range d.Record.Params {
		s.Params[relative(d.Stage.Wdir, file)] = values
	}
	texts := written(d.Stage)
	cache := w.origin.cacheDirs()[0]
	remembered := inRunCache(d)
	for _, a := range d.Record.Outs {
		o, err := w.export(ctx, cache, a, !a.NoCache || remembered)
		if err != nil {
			return s, err
		}
		s.Outs = append(s.Outs, named(o, d.Stage.Wdir, a.Path, texts)...)
	}
	for _, a := range d.Record.Deps {
		o, err := w.dep(ctx, a)
		if err != nil {
			return s, err
		}
		s.Deps = append(s.Deps, named(o, d.Stage.Wdir, a.Path, texts)...)
	}
	if !remembered {
		return s, nil
	}
	text, err := s.RunCacheEntry()
	if err != nil {
		return s, err
	}
	name := filepath.Join(cache, filepath.FromSlash(s.RunCacheKey()))
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		return s, err
	}
	return s, fsx.WriteFile(name, text, 0o644)
}

// written are the texts of the paths that a stage names: DVC looks its lock up
// by them, so './in' is not found under 'in'. One that is named twice is there twice.
func written(s *stagefile.Stage) map[string][]string {
	texts := map[string][]string{}
	add := func(p, text string) {
		if text != "" && !path.IsAbs(text) {
			texts[p] = append(texts[p], text)
		}
	}
	for _, d := range s.Deps {
		add(d.Path, d.Text)
	}
	for _, o := range s.Outs {
		add(o.Path, o.Text)
	}
	return texts
}

// named is an entry of the lock under each of its texts.
func named(o dvc.Out, wdir, p string, texts map[string][]string) []dvc.Out {
	if len(texts[p]) == 0 {
		o.Path = relative(wdir, p)
		return []dvc.Out{o}
	}
	list := make([]dvc.Out, len(texts[p]))
	for i, text := range texts[p] {
		list[i], list[i].Path = o, text
	}
	return list
}

// inRunCache reports whether DVC remembers runs of a stage: it has deps and outs,
// all of this machine, and none that goes on from what was there.
func inRunCache(d pipeline.Done) bool {
	if d.Stage.AlwaysChanged || len(d.Record.Outs) == 0 || len(d.Record.Deps)+len(d.Record.Params) == 0 {
		return false
	}
	return !slices.ContainsFunc(d.Stage.Outs, func(o stagefile.Out) bool { return o.Persist || outside(o.Path) }) &&
		!slices.ContainsFunc(d.Record.Deps, func(a stagefile.Asset) bool { return strings.Contains(a.Path, "://") })
}

// relative is a path as a stage of the directory wdir has it.
func relative(wdir, p string) string {
	if stagefile.IsExternal(p) {
		return p
	}
	rel, err := filepath.Rel(filepath.FromSlash(wdir), filepath.FromSlash(p))
	if err != nil {
		return p
	}
	return filepath.ToSlash(rel)
}

func outOf(a stagefile.Asset, s dvc.Sum) dvc.Out {
	return dvc.Out{Sum: s, Size: a.Size, Files: a.Files, Exec: a.Kind == stagefile.KindExec}
}

// dep finds DVC's sum of what a stage read.
func (w *LockWriter) dep(ctx context.Context, a stagefile.Asset) (dvc.Out, error) {
	if outside(a.Path) {
		full := filepath.FromSlash(a.Path)
		if !filepath.IsAbs(full) {
			full = filepath.Join(w.reader.repo.Root, full)
		}
		sum, _, err := sumUp(ctx, full, dvc.MD5)
		return outOf(a, sum), err
	}
	like := dvc.Sum{Algorithm: dvc.MD5}
	if a.Kind == stagefile.KindDir {
		like.Hex = dvc.DirSuffix
	}
	o := repo.FromAsset(a)
	if err := w.reader.learn(ctx, []want{{path: a.Path, Out: dvc.Out{Sum: like}}}, map[string]repo.Object{a.Path: o}); err != nil {
		return dvc.Out{}, err
	}
	known, err := w.reader.sums.byID(ctx, dvc.MD5, []oid.ID{a.ID})
	if err != nil {
		return dvc.Out{}, err
	}
	got, ok := known[a.ID]
	if !ok {
		return dvc.Out{}, errs.New(errs.Conflict, "%s changed since the stage read it", a.Path)
	}
	return outOf(a, got.sum), nil
}

// export returns the sum of an out, which with keep is put into DVC's cache.
func (w *LockWriter) export(ctx context.Context, cache string, a stagefile.Asset, keep bool) (dvc.Out, error) {
	full := w.reader.repo.Path(a.Path)
	if !keep {
		sum, _, err := sumUp(ctx, full, dvc.MD5)
		return outOf(a, sum), err
	}
	if repo.FromAsset(a).Kind != tree.Dir {
		digits, err := toCache(full, cache)
		sum := dvc.Sum{Algorithm: dvc.MD5, Hex: digits}
		if err != nil {
			return dvc.Out{}, err
		}
		return outOf(a, sum), w.reader.sums.put(ctx, []alias{{sum: sum, id: a.ID, size: a.Size, files: 1}})
	}
	var manifest dvc.Manifest
	var failed error
	err := filesBelow(ctx, full, func(rel string) {
		digits, err := toCache(filepath.Join(full, filepath.FromSlash(rel)), cache)
		failed = errors.Join(failed, err)
		manifest = append(manifest, dvc.File{Path: rel, Hex: digits})
	})
	if err = errors.Join(err, failed); err != nil {
		return dvc.Out{}, err
	}
	text, sum := manifest.Encode(dvc.MD5)
	name := filepath.Join(cache, filepath.FromSlash(sum.Key()))
	if _, err := os.Stat(name); errors.Is(err, fs.ErrNotExist) {
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			return dvc.Out{}, err
		}
		if err := fsx.WriteFile(name, text, cachePerm); err != nil {
			return dvc.Out{}, err
		}
	}
	known := alias{sum: sum, id: a.ID, size: a.Size, files: a.Files}
	if int64(len(manifest)) == a.Files {
		known.parts = partsOf(manifest)
	}
	return outOf(a, sum), w.reader.sums.put(ctx, []alias{known})
}

// cachePerm are the permissions by which DVC knows a file that may be trusted.
const cachePerm fs.FileMode = 0o444

// toCache copies a file into DVC's cache, sharing its blocks where the file
// system can. What is hashed is the copy: its name is always true.
func toCache(from, cache string) (digits string, err error) {
	if err := os.MkdirAll(cache, 0o777); err != nil {
		return "", err
	}
	src, err := os.Open(from)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	tmp, err := os.CreateTemp(cache, ".mlops-*")
	if err != nil {
		return "", err
	}
	defer func() {
		if rerr := os.Remove(tmp.Name()); !errors.Is(rerr, fs.ErrNotExist) {
			err = errors.Join(err, rerr)
		}
	}()
	sum := dvc.Hash(dvc.MD5)
	if fsx.CloneInto(tmp, src) == nil {
		_, err = io.Copy(sum, tmp)
	} else {
		_, err = io.Copy(io.MultiWriter(tmp, sum), src)
	}
	if err = errors.Join(err, tmp.Chmod(cachePerm), tmp.Close()); err != nil {
		return "", fmt.Errorf("copy %s to DVC's cache: %w", strings.TrimPrefix(from, cache), err)
	}
	s := dvc.Sum{Algorithm: dvc.MD5, Hex: hex.EncodeToString(sum.Sum(nil))}
	name := filepath.Join(cache, filepath.FromSlash(s.Key()))
	if _, err := os.Stat(name); err == nil {
		return s.Hex, nil
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		return "", err
	}
	return s.Hex, fsx.Rename(tmp.Name(), name)
}
