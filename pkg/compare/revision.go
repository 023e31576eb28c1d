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
	"github.com/mlops-cli/mlops/pkg/paramfile"
	"github.com/mlops-cli/mlops/pkg/plot"
	"github.com/mlops-cli/mlops/pkg/plot/vega"
	"github.com/mlops-cli/mlops/pkg/stagefile"
	"github.com/mlops-cli/mlops/pkg/track"
)

// revision makes a column of the files at a commit, or of the workspace. What
// cannot be read is among the problems of the column.
func (c *Comparer) revision(ctx context.Context, name, commit string) (col *Column, err error) {
	files, err := c.revs.Open(ctx, commit)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, files.Close()) }()
	col = &Column{Name: name, Commit: commit}
	if col.data, err = files.Data(ctx); err != nil {
		return nil, err
	}
	loaded, problems, err := pipelines(ctx, files)
	if err != nil {
		return nil, err
	}
	col.problems = problems
	params := map[string]map[string]string{}
	var results []metricfile.File
	for _, pipeline := range loaded {
		if err := col.addParams(ctx, params, pipeline, files); err != nil {
			return nil, err
		}
		results = append(results, resultFiles(pipeline)...)
	}
	col.params = make(map[string]string)
	for key, value := range metricfile.Merge(params, nil) {
		col.params[track.FitKey(key)] = value
	}
	if err := col.readMetrics(ctx, results, files); err != nil {
		return nil, err
	}
	for i := range col.problems {
		col.problems[i].Revision = name
	}
	return col, nil
}

// failed keeps the error of a file. It returns an error only when there is no
// point in going on.
func (col *Column) failed(ctx context.Context, path string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	col.problems = append(col.problems, Problem{Path: path, Err: err})
	return nil
}

// addParams adds the values that stages use, by file.
func (col *Column) addParams(ctx context.Context, params map[string]map[string]string, pipeline *stagefile.File, files Files) error {
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
	for _, file := range pipeline.Params {
		used[path.Clean(file)] = nil
	}
	for file, keys := range used {
		data, err := files.Read(ctx, file)
		if errs.Is(err, errs.NotFound) {
			continue
		}
		var doc any
		if err == nil {
			doc, err = paramfile.Parse(file, data)
		}
		if err != nil {
			if err := col.failed(ctx, file, err); err != nil {
				return err
			}
			continue
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
	add := func(p string, props vega.Props, y []string) {
		f, ok := found[p]
		if !ok || !metricfile.IsCurve(f.Template) {
			f = metricfile.File{Path: p, Plot: true, Template: props.Template}
		} else if !metricfile.IsCurve(props.Template) {
			return // another plot of the file has curves
		}
		if props.X != nil && len(props.X.Fields) == 1 {
			f.X = props.X.Fields[0]
		}
		f.Y = append(f.Y, y...)
		found[p] = f
	}
	for _, stage := range pipeline.Stages {
		for _, out := range stage.Outs {
			switch {
			case out.Plot && len(out.Props) == 0:
				add(out.Path, vega.Props{}, nil)
			case out.Plot:
				for _, one := range out.Props {
					props := propsOf(one)
					add(out.Path, props, fieldsOf(props))
				}
			case out.Metric:
				found[out.Path] = metricfile.File{Path: out.Path}
			}
		}
	}
	for _, p := range pipeline.Plots {
		props, err := vega.Parse(p.Def)
		if err != nil {
			continue // ReadPlots tells it
		}
		if !props.NamesFiles() {
			add(path.Join(pipeline.Dir, p.ID), props, fieldsOf(props))
			continue
		}
		for _, source := range props.Y.Files {
			add(path.Join(pipeline.Dir, source.File), props, source.Fields)
		}
	}
	return slices.Collect(maps.Values(found))
}

func fieldsOf(p vega.Props) []string {
	if p.Y == nil {
		return nil
	}
	return p.Y.Fields
}

// readMetrics reads the metrics and plots that are there.
func (col *Column) readMetrics(ctx context.Context, results []metricfile.File, files Files) error {
	var there []metricfile.File
	for _, f := range results {
		if f.Plot && !metricfile.Readable(f.Path) {
			continue // a picture, or a directory
		}
		data, err := files.Read(ctx, f.Path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			if err := col.failed(ctx, f.Path, err); err != nil {
				return err
			}
			continue
		}
		f.Data = data
		there = append(there, f)
	}
	col.metrics, col.points = map[string]track.Summary{}, map[string][]plot.Point{}
	series, unread := metricfile.Read(there)
	for _, err := range unread { // each names its file
		if err := col.failed(ctx, "", err); err != nil {
			return err
		}
	}
	for _, s := range series {
		key := track.FitKey(s.Key)
		points := make([]track.Metric, len(s.Points))
		line := make([]plot.Point, len(s.Points))
		for i, p := range s.Points {
			points[i] = track.Metric{Key: key, Value: p.Value, Step: p.Step, Timestamp: p.Time}
			line[i] = plot.Point{X: float64(p.Step), Y: p.Value}
		}
		col.metrics[key], col.points[key] = track.Summarise(points), line
	}
	return nil
}
