package migrate

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/mlops-cli/mlops/pkg/dvc"
	"github.com/mlops-cli/mlops/pkg/repo"
)

// Preview says what Import would do. It writes nothing and reads no data: what
// stands at a path counts as what DVC's file says of it.
func Preview(ctx context.Context, o *Origin) (ImportResult, error) {
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
			for _, s := range lock.Stages {
				got := ImportedStage{Lock: repo.Text(f.Path), Stage: s.Name, State: StateNew}
				for _, out := range s.Outs {
					if !o.has(caches, path.Join(path.Dir(f.Path), out.Path), out.Sum) {
						got.State = StateAbsent
					}
				}
				res.Stages = append(res.Stages, got)
			}
			continue
		}
		wants, err := pointerWants(f)
		if err != nil {
			res.Problems = append(res.Problems, err.Error())
			continue
		}
		for _, w := range wants {
			got := ImportedPath{Path: repo.Text(w.path), From: repo.Text(w.from), Sum: w.Sum.Hex, Size: w.Size, Files: max(w.Files, 1), State: StateAbsent}
			text, err := os.ReadFile(filepath.Join(o.Root, filepath.FromSlash(repo.PointerPath(w.path))))
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
		if got.Ours != "" {
			got.State = StateNew
		}
		res.Remotes = append(res.Remotes, got)
	}
	return res, nil
}

// has reports whether data is in a cache or stands at its path.
func (o *Origin) has(caches []string, p string, s dvc.Sum) bool {
	if !s.IsZero() && cached(caches, s) != "" {
		return true
	}
	_, err := os.Stat(filepath.Join(o.Root, filepath.FromSlash(p)))
	return err == nil
}
