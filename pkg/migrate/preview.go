package migrate

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mlops-cli/mlops/pkg/dvc"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/stagefile"
)

// Preview says what Import would do. It writes nothing and reads no data: what
// stands at a path counts as what DVC's file says of it. Remotes are those that
// are there already.
func Preview(ctx context.Context, o *Origin, remotes map[string]string) (ImportResult, error) {
	res := emptyResult(o.Root, true)
	files, err := o.files(ctx)
	if err != nil {
		return res, err
	}
	caches := o.cacheDirs()
	for _, f := range files {
		if path.Base(f.Path) == dvc.LockName {
			lock, err := dvc.ParseLock(f.Path, f.Text)
			if err != nil {
				res.Problems = append(res.Problems, err.Error())
				continue
			}
			stages, err := o.previewLock(f.Path, lock, caches)
			if err != nil {
				return res, err
			}
			res.Stages = append(res.Stages, stages...)
			continue
		}
		wants, err := pointerWants(f)
		if err != nil {
			res.Problems = append(res.Problems, err.Error())
			continue
		}
		for _, w := range wants {
			got := ImportedPath{Path: repo.Text(w.path), From: repo.Text(w.from), Sum: w.Sum.Hex, Size: w.Size, Files: max(w.Files, 1), State: StateAbsent}
			text, err := os.ReadFile(o.path(repo.PointerPath(w.path)))
			switch {
			case err == nil:
				var last struct {
					DVC string `yaml:"dvc"`
				}
				if err := repo.Notes(text, &last); err == nil && last.DVC == w.Sum.Hex {
					got.State = StateSame
				} else {
					got.State = StateUpdated
				}
			case !errors.Is(err, fs.ErrNotExist):
				return res, err
			case o.has(caches, w.path, w.Sum):
				got.State = StateNew
			}
			res.Paths = append(res.Paths, got)
		}
	}
	for _, theirs := range o.Config.Remotes {
		got := o.remote(theirs)
		switch _, had := remotes[theirs.Name]; {
		case got.Ours == "":
		case had:
			got.State = StateSame
		default:
			got.State = StateNew
		}
		res.Remotes = append(res.Remotes, got)
	}
	return res, nil
}

// previewLock says what would become of the stages of a dvc.lock that are
// still declared.
func (o *Origin) previewLock(name string, lock *dvc.Lock, caches []string) ([]ImportedStage, error) {
	dir := path.Dir(name)
	ours := stagefile.NewLock()
	text, err := os.ReadFile(o.path(path.Join(dir, stagefile.LockName)))
	if err == nil {
		ours, err = stagefile.ParseLock(path.Join(dir, stagefile.LockName), text)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	declared := declaredIn(o.path, dir)
	var list []ImportedStage
	for _, s := range lock.Stages {
		stage := declared[s.Name]
		if stage == nil {
			continue
		}
		got := ImportedStage{Lock: repo.Text(name), Stage: s.Name, State: StateNew}
		if _, had := ours.Stage(s.Name); had {
			got.State = StateSame
		} else if slices.ContainsFunc(slices.Concat(s.Deps, s.Outs), func(x dvc.Out) bool {
			return !strings.Contains(x.Path, "://") && !o.has(caches, path.Join(stage.Wdir, x.Path), x.Sum)
		}) {
			got.State = StateAbsent
		}
		list = append(list, got)
	}
	return list, nil
}

// path is that of the file system.
func (o *Origin) path(slash string) string { return filepath.Join(o.Root, filepath.FromSlash(slash)) }

// has reports whether data is in a cache or stands at its path.
func (o *Origin) has(caches []string, p string, s dvc.Sum) bool {
	if !s.IsZero() && cached(caches, s) != "" {
		return true
	}
	_, err := os.Stat(o.path(p))
	return err == nil
}
