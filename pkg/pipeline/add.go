package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/fsx"
	"github.com/mlops-cli/mlops/pkg/stagefile"
)

// AddRequest is a stage to be written into the pipeline file of a directory.
type AddRequest struct {
	Dir     string // relative to the root, "" for the root
	Stage   stagefile.NewStage
	Replace bool
}

// Added says where a stage was written.
type Added struct {
	Name string `json:"name"`
	File string `json:"file"`
}

// AddStage writes a stage into a pipeline file, when the project is whole with
// it, and has git ignore its outs.
func (e *Engine) AddStage(ctx context.Context, q AddRequest) (Added, error) {
	name, text, err := e.pipelineIn(q.Dir)
	if err != nil {
		return Added{}, err
	}
	changed, err := stagefile.AddStage(name, text, q.Stage, q.Replace)
	if err != nil {
		return Added{}, err
	}
	names, err := e.Files.PipelineFiles(ctx)
	if err != nil {
		return Added{}, err
	}
	if text == nil {
		names = append(names, name)
	}
	project, err := ReadProject(func(p string) ([]byte, error) {
		if p == name {
			return changed, nil
		}
		return e.Read(p)
	}, names)
	if err != nil {
		return Added{}, errs.New(errs.KindOf(err), "add stage %s: %w", q.Stage.Name, err)
	}
	var outs []string
	for _, s := range project.Stages {
		for _, o := range s.Outs {
			if s.File == name && s.Name == q.Stage.Name && !o.NoCache && !outside(o.Path) {
				outs = append(outs, o.Path)
			}
		}
	}
	if len(outs) > 0 {
		if err := e.Files.Ignore(ctx, outs...); err != nil {
			return Added{}, err
		}
	}
	if err := fsx.WriteFile(e.path(name), changed, 0o666); err != nil {
		return Added{}, fmt.Errorf("add stage %s: %w", q.Stage.Name, err)
	}
	return Added{Name: q.Stage.Name, File: name}, nil
}

// pipelineIn returns the pipeline file of a directory; its text is nil when
// there is none yet.
func (e *Engine) pipelineIn(dir string) (name string, text []byte, err error) {
	for _, base := range []string{stagefile.FileName, stagefile.DVCFileName} {
		name = path.Join(dir, base)
		text, err = e.Read(name)
		if err == nil {
			return name, append([]byte{}, text...), nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", nil, fmt.Errorf("read pipeline %s: %w", name, err)
		}
	}
	return path.Join(dir, stagefile.FileName), nil, nil
}
