package repo

import (
	"context"
	"maps"
	"slices"

	"github.com/mlops-cli/mlops/pkg/ignore"
	"github.com/mlops-cli/mlops/pkg/stagefile"
)

// workspacePipelines lists every mlops.yaml and dvc.yaml outside of tracked
// directories.
func (r *Repo) workspacePipelines(ctx context.Context) ([]string, error) {
	w := walker{repo: r, ctx: ctx, dirs: map[string]bool{}, match: ignore.New(), pipelines: []string{}}
	if err := w.walk("."); err != nil {
		return nil, err
	}
	return w.pipelines, nil
}

func isPipeline(name string) bool {
	return name == stagefile.FileName || name == stagefile.DVCFileName
}

func sortedValues(m map[string]string) []string { return slices.Sorted(maps.Values(m)) }
