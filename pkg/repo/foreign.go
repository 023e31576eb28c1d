package repo

import (
	"context"
	"path"
	"strings"

	"github.com/mlops-cli/mlops/pkg/stagefile"
)

// Foreign reads the files by which DVC tracks data. What it returns has
// Tracked.Foreign set.
type Foreign interface {
	// Tracked returns what the files name. The workspace's own files are given
	// with here set: what stands at their paths may then be looked at.
	Tracked(ctx context.Context, files []ForeignFile, here bool) ([]Tracked, error)
}

// ForeignFile is a .dvc file or a dvc.lock.
type ForeignFile struct {
	Path string // slash path relative to the root
	Text []byte
}

const (
	foreignPointerExt = ".dvc"
	foreignLockName   = "dvc.lock"
)

func isForeign(name string) bool {
	base := path.Base(name)
	return base == foreignLockName || strings.HasSuffix(base, foreignPointerExt) && base != foreignPointerExt
}

// withForeign adds what foreign files name to what ours do. Where both name a
// path, or have a record of a stage, ours hold.
func (r *Repo) withForeign(ctx context.Context, found []Tracked, files []ForeignFile, here bool) ([]Tracked, error) {
	if r.Foreign == nil || len(files) == 0 {
		return found, nil
	}
	paths, stages := map[string]bool{}, map[string]bool{}
	for _, t := range found {
		paths[t.Path] = true
		if t.Stage != "" {
			stages[t.Source] = true
		}
	}
	more, err := r.Foreign.Tracked(ctx, files, here)
	if err != nil {
		return nil, err
	}
	for _, t := range more {
		own := path.Join(path.Dir(t.Source), stagefile.FileName) + ":" + t.Stage
		if !paths[t.Path] && (t.Stage == "" || !stages[own]) {
			found = append(found, t)
		}
	}
	return found, nil
}
