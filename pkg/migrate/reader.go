package migrate

import (
	"context"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/mlops-cli/mlops/pkg/dvc"
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/progress"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/stagefile"
	"github.com/mlops-cli/mlops/pkg/workspace"
)

// Reader reads a repository of DVC as it is. It is repo.Foreign.
type Reader struct {
	repo *repo.Repo
	data *workspace.Workspace
	sums *sums

	// While everything is taken over, nothing is looked at twice: memo holds
	// what stands at paths, nil where nothing does, and read the MD5s of files.
	memo map[string]*repo.Object
	read map[string]string
}

var _ repo.Foreign = (*Reader)(nil)

// NewReader returns the reader of DVC's files in r.
func NewReader(r *repo.Repo) *Reader {
	return &Reader{repo: r, data: workspace.New(r, progress.Nop{}), sums: &sums{open: r.Index}}
}

// want is content that DVC names.
type want struct {
	path string // slash path relative to the root; "" when nothing here is to be looked at
	dvc.Out
	from  string // the file that names it
	stage string // "" for a .dvc file

	source *dvc.Source // of an import
}

// outside reports whether a path does not stand below the root.
func outside(p string) bool {
	return p == ".." || strings.HasPrefix(p, "../") || stagefile.IsExternal(p)
}

// Tracked returns what .dvc files and dvc.lock name.
func (r *Reader) Tracked(ctx context.Context, files []repo.ForeignFile, here bool) ([]repo.Tracked, error) {
	var wants []want
	for _, f := range files {
		if path.Base(f.Path) != dvc.LockName {
			some, err := pointerWants(f)
			if err != nil {
				return nil, err
			}
			wants = append(wants, some...)
			continue
		}
		some, err := r.lockOuts(f, here)
		if err != nil {
			return nil, err
		}
		wants = append(wants, some...)
	}
	all := wants
	if !here {
		wants = slices.Clone(wants)
		for i := range wants {
			wants[i].path = ""
		}
	}
	objects, err := r.resolve(ctx, wants)
	if err != nil {
		return nil, err
	}
	tracked := make([]repo.Tracked, 0, len(objects))
	for i, o := range objects {
		o.Path = all[i].path
		tracked = append(tracked, repo.Tracked{Object: o.Object, Source: all[i].from, Stage: all[i].stage, Cached: all[i].Cache, Foreign: true, Unknown: !o.known, Alias: placeholder(all[i].Sum)})
	}
	return tracked, nil
}

// pointerWants are the outs of a .dvc file.
func pointerWants(f repo.ForeignFile) ([]want, error) {
	p, err := dvc.ParsePointer(f.Path, f.Text)
	if err != nil {
		return nil, broken(f.Path, err)
	}
	var wants []want
	for _, o := range p.Outs {
		if o.Sum.IsZero() {
			continue
		}
		at := path.Join(path.Dir(f.Path), p.Wdir, o.Path)
		if path.IsAbs(o.Path) || outside(at) {
			continue // data outside of the repository is not ours to track
		}
		wants = append(wants, want{path: at, Out: o, from: f.Path, source: p.Source})
	}
	return wants, nil
}

func broken(file string, err error) error {
	return errs.New(errs.Corrupt, "%w", err).Hint("take it from git: git checkout -- %s", workspace.Quote([]string{file}))
}

// lockOuts are the outs in a dvc.lock of stages that are still declared.
func (r *Reader) lockOuts(f repo.ForeignFile, here bool) ([]want, error) {
	lock, err := dvc.ParseLock(f.Path, f.Text)
	if err != nil {
		return nil, broken(f.Path, err)
	}
	stages := map[string]*stagefile.Stage{}
	if here {
		stages = r.stages(path.Dir(f.Path))
	}
	var wants []want
	for _, s := range lock.Stages {
		declared := stages[s.Name]
		if here && declared == nil {
			continue
		}
		for _, o := range s.Outs {
			dir := path.Dir(f.Path)
			if declared != nil {
				dir = declared.Wdir
			}
			at := path.Join(dir, o.Path)
			if o.Sum.IsZero() || path.IsAbs(o.Path) || outside(at) {
				continue
			}
			if declared != nil {
				i := slices.IndexFunc(declared.Outs, func(d stagefile.Out) bool { return d.Path == at })
				if i < 0 {
					continue
				}
				o.Cache, o.Push = !declared.Outs[i].NoCache, !declared.Outs[i].NoPush
			}
			wants = append(wants, want{path: at, Out: o, from: f.Path, stage: s.Name})
		}
	}
	return wants, nil
}

// stages are those of the pipeline file of a directory, by name.
func (r *Reader) stages(dir string) map[string]*stagefile.Stage { return declaredIn(r.repo.Path, dir) }

// declaredIn are the stages of the pipeline file of a directory, by name. A
// file that cannot be read has none: who plans says why.
func declaredIn(at func(slash string) string, dir string) map[string]*stagefile.Stage {
	read := func(p string) ([]byte, error) { return os.ReadFile(at(p)) }
	stages := map[string]*stagefile.Stage{}
	for _, name := range []string{stagefile.FileName, stagefile.DVCFileName} {
		file := path.Join(dir, name)
		if _, err := os.Stat(at(file)); err != nil {
			continue
		}
		f, err := stagefile.Load(read, file)
		if err != nil {
			return stages
		}
		for i := range f.Stages {
			stages[f.Stages[i].Name] = &f.Stages[i]
		}
		break
	}
	return stages
}
