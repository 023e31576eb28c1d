package compare

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"path"
	"slices"
	"strconv"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/paramfile"
	"github.com/mlops-cli/mlops/pkg/stagefile"
)

// What says which files Values reads.
type What int

// The kinds of files.
const (
	Metrics What = iota // metrics of stages and top-level metrics
	Params              // params of stages, top-level params and params.yaml
	Deps                // params that stages depend on
)

// DefaultParams is the file of params that needs no declaration.
const DefaultParams = "params.yaml"

// Values is the content of the metrics or params files at a revision: path to
// value. The value is what package paramfile reads: a mapping, or a scalar.
type Values struct {
	Revision Revision
	Files    map[string]any
	Problems []Problem
}

// ReadValues reads metrics or params at one revision. Targets are files, or
// directories, that are read instead of the declared ones.
func ReadValues(ctx context.Context, revs Revisions, rev Revision, what What, targets []string) (v Values, err error) {
	v = Values{Revision: rev, Files: map[string]any{}}
	files, err := revs.Open(ctx, rev.Commit)
	if err != nil {
		return v, err
	}
	defer func() { err = errors.Join(err, files.Close()) }()
	var loaded []*stagefile.File
	if len(targets) == 0 {
		if loaded, v.Problems, err = pipelines(ctx, files); err != nil {
			return v, err
		}
	}
	wanted := map[string][]string{} // path → keys; nil is the whole file
	for _, p := range targets {
		wanted[p] = nil
	}
	for _, f := range loaded {
		if what == Metrics {
			addMetricFiles(wanted, f)
		} else {
			addParamFiles(wanted, f, what)
		}
	}
	if what == Params && len(targets) == 0 {
		if _, err := files.Read(ctx, DefaultParams); !errs.Is(err, errs.NotFound) {
			wanted[DefaultParams] = nil
		}
	}
	for _, p := range slices.Sorted(maps.Keys(wanted)) {
		if err := v.read(ctx, files, p, wanted[p], what); err != nil {
			return v, err
		}
	}
	if what != Metrics && len(targets) == 0 {
		v.addUsed(loaded)
	}
	for i := range v.Problems {
		v.Problems[i].Revision = cmp.Or(rev.Name, Workspace)
	}
	return v, nil
}

func addMetricFiles(wanted map[string][]string, f *stagefile.File) {
	for _, p := range f.Metrics {
		wanted[path.Clean(p)] = nil
	}
	for _, stage := range f.Stages {
		for _, out := range stage.Outs {
			if out.Metric {
				wanted[out.Path] = nil
			}
		}
	}
}

func addParamFiles(wanted map[string][]string, f *stagefile.File, what What) {
	add := func(file string, keys []string) {
		old, there := wanted[file]
		if len(keys) == 0 || there && old == nil {
			wanted[file] = nil
			return
		}
		for _, key := range keys {
			if !slices.Contains(old, key) {
				old = append(old, key)
			}
		}
		wanted[file] = old
	}
	for _, stage := range f.Stages {
		for file, keys := range stage.Params {
			add(file, keys)
		}
	}
	if what == Params {
		for _, file := range f.Params {
			add(path.Clean(file), nil)
		}
	}
}

// addUsed adds the values that templates took from files which are not shown
// yet. They are shown, though no stage depends on them.
func (v *Values) addUsed(loaded []*stagefile.File) {
	used := map[string]*paramfile.Map{}
	for _, f := range loaded {
		for _, stage := range f.Stages {
			for file, values := range stage.Used {
				if _, ok := v.Files[file]; ok {
					continue
				}
				if used[file] == nil {
					used[file] = paramfile.NewMap()
				}
				for _, key := range slices.Sorted(maps.Keys(values)) {
					used[file].Set(key, values[key])
				}
			}
		}
	}
	for file, values := range used {
		v.Files[file] = values
	}
}

// read adds one file, or all files of a directory.
func (v *Values) read(ctx context.Context, files Files, p string, keys []string, what What) error {
	below, err := files.List(ctx, p)
	if err != nil {
		return err
	}
	if below == nil {
		below = []string{p}
	}
	for _, p := range below {
		data, err := files.Read(ctx, p)
		if err == nil {
			var doc any
			if doc, err = paramfile.Parse(p, data); err == nil {
				switch {
				case what == Metrics:
					doc = scalarsOf(doc)
				case keys != nil:
					doc = search(doc, keys)
				}
				v.Files[p] = doc
				continue
			}
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		v.Problems = append(v.Problems, Problem{Path: p, Err: err})
	}
	return nil
}

// scalarsOf keeps what can be a metric: numbers, text, true and false, in
// tables that are not empty. All else is an empty table.
func scalarsOf(doc any) any {
	if v, ok := scalarOf(doc); ok {
		return v
	}
	return paramfile.NewMap()
}

func scalarOf(doc any) (any, bool) {
	switch d := doc.(type) {
	case nil, []any:
		return nil, false
	case *paramfile.Map:
		out := paramfile.NewMap()
		for _, key := range d.Keys() {
			value, _ := d.Get(key)
			if v, ok := scalarOf(value); ok {
				out.Set(key, v)
			}
		}
		return out, out.Len() > 0
	case paramfile.Date:
		return nil, false
	default:
		return d, true
	}
}

// search returns the parts of a document that key paths name, in their tables.
// A step may be a pattern with *.
func search(doc any, keys []string) any {
	var out any = paramfile.NewMap()
	for _, key := range keys {
		if found := extract(doc, paramfile.Steps(key)); found != nil {
			out = merge(out, *found)
		}
	}
	return out
}

// extract returns the document with nothing but what the steps lead to; nil
// when they lead nowhere.
func extract(doc any, steps []string) *any {
	if len(steps) == 0 {
		return &doc
	}
	switch d := doc.(type) {
	case *paramfile.Map:
		out := paramfile.NewMap()
		for _, key := range d.Keys() {
			if ok, err := path.Match(steps[0], key); key != steps[0] && (err != nil || !ok) {
				continue
			}
			value, _ := d.Get(key)
			if found := extract(value, steps[1:]); found != nil {
				out.Set(key, *found)
			}
		}
		if out.Len() == 0 {
			return nil
		}
		var result any = out
		return &result
	case []any:
		i, err := strconv.Atoi(steps[0])
		if err != nil || i < 0 || i >= len(d) {
			return nil
		}
		found := extract(d[i], steps[1:])
		if found == nil {
			return nil
		}
		out := make([]any, i+1)
		out[i] = *found
		var result any = out
		return &result
	default:
		return nil
	}
}

// merge puts b over a: tables and lists by their places.
func merge(a, b any) any {
	am, aok := a.(*paramfile.Map)
	bm, bok := b.(*paramfile.Map)
	if aok && bok {
		for _, key := range bm.Keys() {
			value, _ := bm.Get(key)
			if old, ok := am.Get(key); ok {
				value = merge(old, value)
			}
			am.Set(key, value)
		}
		return am
	}
	al, aok := a.([]any)
	bl, bok := b.([]any)
	if !aok || !bok {
		return b
	}
	for i, value := range bl {
		switch {
		case i >= len(al):
			al = append(al, value)
		case value != nil:
			al[i] = merge(al[i], value)
		}
	}
	return al
}

// Leaves are the values of a document with their keys, in its order. A single
// value has the key "".
func Leaves(doc any) []paramfile.Entry { return paramfile.Flatten(doc) }
