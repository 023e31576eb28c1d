package compare

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"path"
	"slices"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/metricfile"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/paramfile"
	"github.com/mlops-cli/mlops/pkg/stagefile"
	"github.com/mlops-cli/mlops/pkg/track"
)

// revision makes a column of the files at a commit, or of the workspace.
func (c *Comparer) revision(ctx context.Context, name, commit string) (*Column, error) {
	files, err := c.revs.Pipelines(ctx, commit)
	if err != nil {
		return nil, err
	}
	col := &Column{Name: name, Commit: commit}
	if col.data, err = c.revs.Data(ctx, commit); err != nil {
		return nil, err
	}
	read := func(path string) ([]byte, error) {
		data, err := c.revs.Read(ctx, commit, path)
		if errs.Is(err, errs.NotFound) {
			if id, perr := oid.Parse(col.data[path]); perr == nil {
				data, err = c.objects(ctx, id)
			}
		}
		if errs.Is(err, errs.NotFound) {
			return nil, errors.Join(fs.ErrNotExist, err)
		}
		return data, err
	}
	params := map[string]map[string]string{}
	var results []metricfile.File
	for _, file := range files {
		pipeline, err := stagefile.Load(read, file)
		if err != nil {
			return nil, errs.New(errs.Usage, "compare %s: %w", name, err)
		}
		if err := addParams(params, pipeline, read); err != nil {
			return nil, err
		}
		results = append(results, resultFiles(pipeline)...)
	}
	col.params = make(map[string]string)
	for key, value := range metricfile.Merge(params, nil) {
		col.params[track.FitKey(key)] = value
	}
	return col, col.readMetrics(results, read)
}

// addParams adds the values that stages use, by file.
func addParams(params map[string]map[string]string, pipeline *stagefile.File, read stagefile.ReadFunc) error {
	used := map[string][]string{} // file → keys; nil is the whole file
	for _, stage := range pipeline.Stages {
		for file, keys := range stage.Params {
			if old, ok := used[file]; ok && old == nil || len(keys) == 0 {
				used[file] = nil
				continue
			}
			used[file] = append(used[file], keys...)
		}
		for file, values := range stage.Used {
			for key, v := range values {
				addLeaves(valuesOf(params, file), key, v)
			}
		}
	}
	for file, keys := range used {
		data, err := read(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		doc, err := paramfile.Parse(file, data)
		if err != nil {
			return err
		}
		values := valuesOf(params, file)
		if keys == nil {
			addLeaves(values, "", doc)
		}
		for _, key := range keys {
			if v, ok := paramfile.Lookup(doc, key); ok {
				addLeaves(values, key, v)
			}
		}
	}
	return nil
}

func addLeaves(values map[string]string, prefix string, v any) {
	for _, leaf := range paramfile.Flatten(v) {
		key := leaf.Key
		switch {
		case key == "":
			key = prefix
		case prefix != "":
			key = prefix + "." + key
		}
		values[key] = "null"
		if leaf.Value != nil {
			values[key] = paramfile.Text(leaf.Value)
		}
	}
}

func valuesOf(params map[string]map[string]string, file string) map[string]string {
	if params[file] == nil {
		params[file] = map[string]string{}
	}
	return params[file]
}

// resultFiles lists the metrics and plots of a pipeline, without their bytes.
func resultFiles(pipeline *stagefile.File) []metricfile.File {
	found := map[string]metricfile.File{}
	for _, p := range pipeline.Metrics {
		found[p] = metricfile.File{Path: p}
	}
	for _, plot := range pipeline.Plots {
		found[path.Join(pipeline.Dir, plot.ID)] = metricfile.File{Path: path.Join(pipeline.Dir, plot.ID), Plot: true}
	}
	for _, stage := range pipeline.Stages {
		for _, out := range stage.Outs {
			if !out.Metric && !out.Plot {
				continue
			}
			f := metricfile.File{Path: out.Path, Plot: out.Plot}
			for _, p := range out.Props {
				f.X, f.Template = p.X, p.Template
				if p.Y != "" {
					f.Y = append(f.Y, p.Y)
				}
			}
			found[out.Path] = f
		}
	}
	return slices.Collect(maps.Values(found))
}

// readMetrics takes the series in files; those that are missing or are no
// metrics are left out, as a run leaves them out.
func (col *Column) readMetrics(files []metricfile.File, read stagefile.ReadFunc) error {
	var there []metricfile.File
	for _, f := range files {
		if f.Plot && !metricfile.Readable(f.Path) {
			continue // a picture, or a directory
		}
		data, err := read(f.Path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		f.Data = data
		there = append(there, f)
	}
	col.metrics, col.points = map[string]track.Summary{}, map[string][]track.Metric{}
	series, _ := metricfile.Read(there)
	for _, s := range series {
		key := track.FitKey(s.Key)
		points := make([]track.Metric, len(s.Points))
		for i, p := range s.Points {
			points[i] = track.Metric{Key: key, Value: p.Value, Step: p.Step, Timestamp: p.Time}
		}
		col.metrics[key], col.points[key] = track.Summarise(points), points
	}
	return nil
}
