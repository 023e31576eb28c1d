package pipeline

import (
	"context"
	"fmt"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/stagefile"
)

// open returns the inputs of a stage of which only a run can tell what they
// will be, and why.
func (d *decider) open(s *stagefile.Stage) (paths map[string]bool, reasons []string) {
	if d.view.unknown.empty() && d.view.partly.empty() {
		return nil, nil
	}
	paths = map[string]bool{}
	for _, in := range inputPaths(s) {
		if by := d.view.unknown.around(in); by != "" {
			paths[in] = true
			reasons = append(reasons, fmt.Sprintf("stage %s (upstream) will run and may change %s", by, in))
		} else if by := d.view.partly.around(in); by != "" && d.view.partly.of(in) == "" {
			paths[in] = true
			reasons = append(reasons, fmt.Sprintf("stage %s (upstream) will be restored and may change %s", by, in))
		}
	}
	return paths, reasons
}

// ownReasons says what else of a stage with open inputs differs from its record.
func (d *decider) ownReasons(ctx context.Context, s *stagefile.Stage, open map[string]bool) ([]string, error) {
	lock, err := d.view.lock(s.Lock())
	if err != nil {
		return nil, err
	}
	old, had := lock.Stage(s.Name)
	switch {
	case d.force:
		return []string{"forced"}, nil
	case s.AlwaysChanged:
		return []string{"always_changed"}, nil
	case !had:
		return []string{"never ran"}, nil
	case old.Doubled:
		return []string{fmt.Sprintf("%s holds lines of two runs, from a git merge", s.Lock())}, nil
	}
	known := *s
	known.Deps, known.Params = nil, map[string][]string{}
	for _, dep := range s.Deps {
		if !open[dep.Path] {
			known.Deps = append(known.Deps, dep)
		}
	}
	for file, keys := range s.Params {
		if !open[file] {
			known.Params[file] = keys
		}
	}
	now, _, err := d.view.inputs(ctx, &known)
	if err != nil {
		if ctx.Err() != nil || errs.KindOf(err) == errs.Internal {
			return nil, err
		}
		return []string{err.Error()}, nil
	}
	was := assetsByPath(old.Deps)
	for _, dep := range s.Deps {
		if a, had := was[dep.Path]; had && open[dep.Path] {
			now.Deps = append(now.Deps, a)
		}
	}
	for file := range open {
		if values, had := old.Params[file]; had {
			if now.Params == nil {
				now.Params = map[string]map[string]any{}
			}
			now.Params[file] = values
		}
	}
	return inputReasons(s, &old, &now, func(string) string { return "" }), nil
}
