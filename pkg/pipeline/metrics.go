package pipeline

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/mlops-cli/mlops/pkg/metricfile"
)

// Limits of what is read into a run; larger files stay data.
const (
	maxMetricFile  = 16 << 20
	maxMetricFiles = 200
)

// readMetrics reads a metrics or plot file, or those in a directory. Name is
// its name for the system, p the one it is recorded under; like has the rest.
func readMetrics(name, p string, like metricfile.File) ([]metricfile.File, error) {
	info, err := os.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read metrics %s: %w", p, err)
	}
	if !info.IsDir() {
		return readMetricFile(nil, name, p, like)
	}
	var out []metricfile.File
	err = filepath.WalkDir(name, func(at string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || len(out) >= maxMetricFiles {
			return err
		}
		below, err := filepath.Rel(name, at)
		if err != nil {
			return err
		}
		switch strings.ToLower(filepath.Ext(at)) {
		case ".csv", ".tsv", ".json", ".jsonl":
			out, err = readMetricFile(out, at, path.Join(p, filepath.ToSlash(below)), like)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read metrics %s: %w", p, err)
	}
	return out, nil
}

func readMetricFile(to []metricfile.File, name, p string, like metricfile.File) ([]metricfile.File, error) {
	info, err := os.Stat(name)
	if err != nil || info.Size() > maxMetricFile || !info.Mode().IsRegular() {
		return to, err
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return to, fmt.Errorf("read metrics %s: %w", p, err)
	}
	like.Path, like.Data = p, data
	return append(to, like), nil
}
