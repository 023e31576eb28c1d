package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/stagefile"
)

// AddRequest is a stage to be written into the pipeline file of a directory.
type AddRequest struct {
	Dir     string // relative to the root, "" for the root
	Stage   stagefile.NewStage
	Replace bool
}

// AddStage writes a stage into a pipeline file, when the project is whole with
// it, and has git ignore its outs.
func (e *Engine) AddStage(ctx context.Context, q AddRequest) (Changed, error) {
	name, text, err := e.pipelineIn(q.Dir)
	if err != nil {
		return Changed{}, err
	}
	changed, err := stagefile.AddStage(name, text, q.Stage, q.Replace)
	if err != nil {
		return Changed{}, err
	}
	if err := e.ReplaceFile(ctx, name, changed); err != nil {
		return Changed{}, errs.New(errs.KindOf(err), "add stage %s: %w", q.Stage.Name, err)
	}
	return Changed{Name: q.Stage.Name, File: name}, nil
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
