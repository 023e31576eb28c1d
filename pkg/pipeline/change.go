package pipeline

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/fault"
	"github.com/mlops-cli/mlops/pkg/fsx"
	"github.com/mlops-cli/mlops/pkg/stagefile"
)

// EditRequest is a change of a stage in its pipeline file.
type EditRequest struct {
	Dir   string             // that the name is relative to, "" for the root
	Stage stagefile.NewStage // Name says which; fields that it gives are replaced
	Clear []string           // fields that go
}

// Changed says what became of a stage.
type Changed struct {
	Name string `json:"name"`
	File string `json:"file"`
}

// EditStage replaces fields of a stage, when the project is whole with them.
func (e *Engine) EditStage(ctx context.Context, q EditRequest) (Changed, error) {
	file, name, err := e.declared(ctx, q.Stage.Name, q.Dir)
	if err != nil {
		return Changed{}, err
	}
	text, err := e.Read(file)
	if err != nil {
		return Changed{}, err
	}
	q.Stage.Name = name
	changed, err := stagefile.EditStage(file, text, q.Stage, q.Clear)
	if err != nil {
		return Changed{}, err
	}
	if err := e.ReplaceFile(ctx, file, changed); err != nil {
		return Changed{}, err
	}
	return Changed{Name: name, File: file}, nil
}

// Declaration returns the pipeline file of a stage or group, its text, and the
// line that its name stands in, counted from 1.
func (e *Engine) Declaration(ctx context.Context, word, dir string) (file string, text []byte, line int, err error) {
	file, name, err := e.declared(ctx, word, dir)
	if err != nil {
		return "", nil, 0, err
	}
	if text, err = e.Read(file); err != nil {
		return "", nil, 0, err
	}
	p, _ := e.Stages(ctx) // the files that can be read; this one need not be among them
	for _, s := range p.Stages {
		if s.File == file && (s.Name == name || s.Group == name) {
			return file, text, s.Pos.Line, nil
		}
	}
	return file, text, 1, nil
}

// ReplaceFile writes a pipeline file, when the project is whole with it, and
// has git ignore the outs that it did not have before.
func (e *Engine) ReplaceFile(ctx context.Context, file string, text []byte) error {
	names, err := e.Files.PipelineFiles(ctx)
	if err != nil {
		return err
	}
	if !slices.Contains(names, file) {
		names = append(names, file)
	}
	project, err := ReadProject(func(p string) ([]byte, error) {
		if p == file {
			return text, nil
		}
		return e.Read(p)
	}, names)
	if err != nil {
		return errs.New(errs.KindOf(err), "write %s: %w", file, err)
	}
	had := map[string]bool{}
	if before, err := stagefile.Load(e.Read, file); err == nil {
		for i := range before.Stages {
			for _, o := range before.Stages[i].Outs {
				had[o.Path] = !o.NoCache
			}
		}
	}
	var outs []string
	for _, s := range project.Stages {
		for _, o := range s.Outs {
			if s.File == file && !o.NoCache && !outside(o.Path) && !had[o.Path] {
				outs = append(outs, o.Path)
			}
		}
	}
	if len(outs) > 0 {
		if err := e.Files.Ignore(ctx, outs...); err != nil {
			return err
		}
	}
	if err := fsx.WriteFile(e.path(file), text, 0o666); err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	return nil
}

// RemoveStages takes stages or groups, named from the directory dir, out of
// their pipeline files and locks. What they made stays.
func (e *Engine) RemoveStages(ctx context.Context, words []string, dir string) ([]Changed, error) {
	byFile := map[string][]string{}
	done := []Changed{}
	for _, word := range words {
		file, name, err := e.declared(ctx, word, dir)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(byFile[file], name) {
			byFile[file] = append(byFile[file], name)
			done = append(done, Changed{Name: name, File: file})
		}
	}
	for _, file := range sortedKeys(byFile) {
		text, err := e.Read(file)
		if err != nil {
			return nil, err
		}
		changed, err := stagefile.RemoveStages(file, text, byFile[file]...)
		if err != nil {
			return nil, err
		}
		// The lock first: a stage that is declared and never ran can be removed again.
		if err := e.forget(ctx, path.Dir(file), byFile[file]); err != nil {
			return nil, err
		}
		if err := fault.At(ctx, "stage.forgotten"); err != nil {
			return nil, err
		}
		if err := fsx.WriteFile(e.path(file), changed, 0o666); err != nil {
			return nil, fmt.Errorf("write %s: %w", file, err)
		}
	}
	return done, nil
}

// forget drops what a lock says of stages and of the items of groups.
func (e *Engine) forget(ctx context.Context, dir string, names []string) error {
	text, err := e.Read(path.Join(dir, stagefile.LockName))
	if err != nil {
		return nil //nolint:nilerr // there is no lock, or none that says anything
	}
	lock, err := stagefile.ParseLock(path.Join(dir, stagefile.LockName), text)
	if err != nil {
		return nil //nolint:nilerr // run says what is wrong with it
	}
	var gone []string
	for _, r := range lock.Records() {
		group, _, _ := strings.Cut(r.Stage, "@")
		if slices.Contains(names, r.Stage) || slices.Contains(names, group) {
			gone = append(gone, r.Stage)
		}
	}
	if len(gone) == 0 {
		return nil
	}
	return e.Files.UpdateLock(ctx, dir, func(l *stagefile.Lock) {
		for _, name := range gone {
			l.Remove(name)
		}
	})
}

// declared finds where a stage or group is declared: its file and its name
// there. It looks at no more than the file when its name says which one.
func (e *Engine) declared(ctx context.Context, word, dir string) (file, name string, err error) {
	name = word
	if i := strings.Index(word, ".yaml:"); i >= 0 {
		file, name = path.Join(dir, word[:i+5]), word[i+6:]
	} else {
		var text []byte
		if file, text, err = e.pipelineIn(dir); err != nil {
			return "", "", err
		}
		if text == nil {
			return "", "", errs.New(errs.NotFound, "no stage %s: there is no %s here", word, path.Base(file)).Hint("see the stages: mlops stage ls")
		}
	}
	if group, _, isItem := strings.Cut(name, "@"); isItem {
		return "", "", errs.New(errs.Usage, "stage %s is made from %s: only the whole can be changed", name, group).Hint("name %s", group)
	}
	return file, name, ctx.Err()
}
