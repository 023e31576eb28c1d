package pipeline

import (
	"cmp"
	"context"
	"errors"
	"path"
	"slices"
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/ignore"
	"github.com/mlops-cli/mlops/pkg/stagefile"
)

// dvcIgnoreName is the file whose patterns no output of a dvc.yaml may match.
const dvcIgnoreName = ".dvcignore"

// ReadFiles reads pipeline files and pointers, those of outer directories first. One inside
// an output that a file further out declares is data, and left out. The error
// says what is wrong with any of them; the good ones are returned beside it.
func ReadFiles(read stagefile.ReadFunc, names []string) ([]*stagefile.File, error) {
	names = slices.Clone(names)
	slices.SortFunc(names, func(a, b string) int { return comparePaths(path.Dir(a), path.Dir(b)) })
	r := fileReader{read: read, outs: map[string][]string{}, ignored: map[string][]byte{}}
	var files []*stagefile.File
	var failed []error
	for _, name := range names {
		if r.inOutput(path.Dir(name)) {
			continue
		}
		f, err := stagefile.Load(read, name)
		if err == nil {
			err = r.checkIgnored(f)
		}
		if err != nil {
			failed = append(failed, err)
			continue
		}
		for i := range f.Stages {
			for _, o := range f.Stages[i].Outs {
				r.outs[o.Path] = append(r.outs[o.Path], f.Dir)
			}
		}
		if f.Pointer != nil {
			for _, data := range f.Pointer.Outs {
				r.outs[data] = append(r.outs[data], f.Dir)
			}
		}
		files = append(files, f)
	}
	return files, joinErrors(failed)
}

// comparePaths orders directories so that each stands before what is in it.
func comparePaths(a, b string) int {
	if a == "." || b == "." {
		return cmp.Compare(btoi(a != "."), btoi(b != "."))
	}
	return cmp.Compare(a, b)
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

func joinErrors(failed []error) error {
	if len(failed) == 1 {
		return failed[0]
	}
	err := errors.Join(failed...)
	if err == nil {
		return nil
	}
	e := errs.New(errs.Usage, "%w", err)
	for _, f := range failed {
		for _, h := range errs.Hints(f) {
			e.Hint("%s", h)
		}
	}
	return e
}

type fileReader struct {
	read    stagefile.ReadFunc
	outs    map[string][]string // output → directories of the files that declare it
	ignored map[string][]byte   // directory → its .dvcignore, nil when it has none
}

func (r *fileReader) inOutput(dir string) bool {
	for ; dir != "." && dir != "/"; dir = path.Dir(dir) {
		for _, from := range r.outs[dir] {
			if from == "." || strings.HasPrefix(dir, from+"/") {
				return true
			}
		}
	}
	return false
}

// checkIgnored refuses outputs of a dvc.yaml that .dvcignore leaves out, as
// DVC does: it would never see them.
func (r *fileReader) checkIgnored(f *stagefile.File) error {
	if path.Base(f.Path) != stagefile.DVCFileName {
		return nil
	}
	for i := range f.Stages {
		s := &f.Stages[i]
		for _, o := range s.Outs {
			if stagefile.IsExternal(o.Path) {
				continue
			}
			for part := range strings.SplitSeq(o.Path, "/") {
				if part == ".git" || part == ".hg" || part == ".dvc" {
					return errs.New(errs.Usage, "output %s of %s lies in %s, where no stage may write", o.Path, where(s, o.Pos), part)
				}
			}
			if m := r.matcher(path.Dir(o.Path)); !m.Empty() && m.Match(o.Path, false) {
				return errs.New(errs.Usage, "output %s of %s matches a pattern in %s", o.Path, where(s, o.Pos), dvcIgnoreName).
					Hint("take the pattern out of %s, or write the output elsewhere", dvcIgnoreName)
			}
		}
	}
	return nil
}

// matcher holds the patterns that count in a directory.
func (r *fileReader) matcher(dir string) *ignore.Matcher {
	var dirs []string
	for at := dir; ; at = path.Dir(at) {
		text, known := r.ignored[at]
		if !known {
			if b, err := r.read(path.Join(at, dvcIgnoreName)); err == nil {
				text = b
			}
			r.ignored[at] = text
		}
		if text != nil {
			dirs = append(dirs, at)
		}
		if at == "." || at == "/" || at == ".." {
			break
		}
	}
	m := ignore.New()
	for _, at := range slices.Backward(dirs) {
		m.Add(at, r.ignored[at])
	}
	return m
}

// ReadProject reads pipeline files and joins them.
func ReadProject(read stagefile.ReadFunc, names []string) (*Project, error) {
	files, err := ReadFiles(read, names)
	if err != nil {
		return nil, err
	}
	return newProject(files, expandKnown(read, files))
}

// Stages reads every pipeline file of the workspace without joining them: the
// Project has no graph. With an error about some files it holds the others.
func (e *Engine) Stages(ctx context.Context) (*Project, error) {
	names, err := e.Files.PipelineFiles(ctx)
	if err != nil {
		return nil, err
	}
	files, err := ReadFiles(e.Read, names)
	p := collect(files, expandKnown(e.Read, files))
	for _, s := range p.Stages {
		p.Order = append(p.Order, s.Address())
		for _, o := range s.Outs {
			p.producer[o.Path] = s.Address()
		}
	}
	return p, err
}
