package stagefile

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/paramfile"
)

// ReadFunc returns the bytes of a file, by its slash path relative to the
// root. A missing file is fs.ErrNotExist.
type ReadFunc func(path string) ([]byte, error)

// value is a value that ${} can name, with the place it came from.
type value struct {
	scalar any               // when neither of the next two
	list   []*value          // not nil: a list
	dict   map[string]*value // not nil: a mapping
	keys   []string          // of dict, in order

	file   string // the parameter file, "" when it came from elsewhere
	path   string // key path in there
	origin string // for messages: vars[0], params.yaml
}

// newValue wraps what paramfile decoded.
func newValue(v any, file, keyPath, origin string) *value {
	out := &value{file: file, path: keyPath, origin: origin}
	below := func(key string) string {
		if keyPath == "" {
			return key
		}
		return keyPath + "." + key
	}
	switch v := v.(type) {
	case *paramfile.Map:
		out.dict = make(map[string]*value, v.Len())
		out.keys = slices.Clone(v.Keys())
		for _, k := range v.Keys() {
			x, _ := v.Get(k)
			out.dict[k] = newValue(x, file, below(k), origin)
		}
	case []any:
		out.list = make([]*value, len(v))
		for i, x := range v {
			out.list[i] = newValue(x, file, below(strconv.Itoa(i)), origin)
		}
	default:
		out.scalar = v
	}
	return out
}

// plain is the value as paramfile decodes it.
func (v *value) plain() any {
	switch {
	case v.dict != nil:
		m := paramfile.NewMap()
		for _, k := range v.keys {
			m.Set(k, v.dict[k].plain())
		}
		return m
	case v.list != nil:
		out := make([]any, len(v.list))
		for i, x := range v.list {
			out[i] = x.plain()
		}
		return out
	default:
		return v.scalar
	}
}

func (v *value) isScalar() bool { return v.dict == nil && v.list == nil }

// isPlain reports whether v can be the name of a stage of a foreach or matrix.
func (v *value) isPlain() bool {
	_, binary := v.scalar.(paramfile.Bytes)
	return v.isScalar() && !binary
}

// clone copies the top mapping of v, so that merging changes only the copy.
func (v *value) clone() *value {
	if v.dict == nil {
		return v
	}
	out := *v
	out.keys, out.dict = slices.Clone(v.keys), maps.Clone(v.dict)
	return &out
}

// merge adds the entries of from; mappings merge, anything else may not be
// there already.
func (v *value) merge(from *value) error {
	for _, k := range from.keys {
		old, have := v.dict[k]
		x := from.dict[k]
		switch {
		case !have:
			v.dict[k] = x
			v.keys = append(v.keys, k)
		case old.dict != nil && x.dict != nil:
			both := old.clone()
			if err := both.merge(x); err != nil {
				return err
			}
			v.dict[k] = both
		default:
			return fmt.Errorf("cannot redefine %q from %s: it already exists in %s", x.path, x.origin, old.origin)
		}
	}
	return nil
}

// scope is what ${} sees.
type scope struct {
	root    *value
	loaded  map[string][]string // parameter file → keys taken, nil: all
	loop    map[string]*value   // item and key inside foreach and matrix
	used    map[string]map[string]any
	files   func(path string) (any, error)
	options flagOptions
	dvc     bool // resolve no further than DVC does
}

func (s *scope) clone() *scope {
	out := *s
	out.root = s.root.clone()
	out.loaded = maps.Clone(s.loaded)
	return &out
}

// load merges "file" or "file:key,key", relative to dir, into the scope.
func (s *scope) load(item, dir string) error {
	name, list, hasKeys := strings.Cut(item, ":")
	file := path.Join(dir, name)
	var keys []string
	for k := range strings.SplitSeq(list, ",") {
		if hasKeys && k != "" {
			keys = append(keys, k)
		}
	}
	if had, ok := s.loaded[file]; ok {
		if len(keys) == 0 && had == nil {
			return nil
		}
		if len(keys) == 0 || had == nil || slices.ContainsFunc(keys, func(k string) bool { return slices.Contains(had, k) }) {
			return fmt.Errorf("cannot load %q: %s is loaded already", item, file)
		}
	}
	data, err := s.files(file)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("cannot load %q: %s does not exist", item, file)
		}
		return err
	}
	m, ok := data.(*paramfile.Map)
	if !ok {
		return fmt.Errorf("cannot load %q: expected a mapping in %s, found a %s", item, file, paramfile.TypeName(data))
	}
	if len(keys) > 0 {
		some := paramfile.NewMap()
		for _, k := range keys {
			x, ok := m.Get(k)
			if !ok {
				return errs.New(errs.Usage, "cannot load %q: no key %q in %s", item, k, file).DidYouMean(k, m.Keys())
			}
			some.Set(k, x)
		}
		m = some
	}
	if err := s.merge(s.value(m, file, file)); err != nil {
		return err
	}
	s.loaded[file] = append(s.loaded[file], keys...)
	return nil
}

func (s *scope) merge(from *value) error {
	if err := s.noDates(from); err != nil {
		return err
	}
	for k := range s.loop {
		if _, ok := from.dict[k]; ok {
			return fmt.Errorf("%q is a reserved name inside foreach and matrix", k)
		}
	}
	return s.root.merge(from)
}

// value wraps what paramfile decoded for the scope.
func (s *scope) value(v any, file, origin string) *value {
	out := newValue(v, file, "", origin)
	if s.dvc {
		out.dropOddKeys(v)
	}
	return out
}

// dropOddKeys removes the keys that are no strings: DVC does not see them.
func (v *value) dropOddKeys(from any) {
	switch from := from.(type) {
	case *paramfile.Map:
		v.keys = slices.DeleteFunc(v.keys, func(k string) bool { return !from.IsText(k) })
		for _, k := range from.Keys() {
			x, _ := from.Get(k)
			if !from.IsText(k) {
				delete(v.dict, k)
				continue
			}
			v.dict[k].dropOddKeys(x)
		}
	case []any:
		for i, x := range from {
			v.list[i].dropOddKeys(x)
		}
	}
}

// date finds a date at or below v.
func (v *value) date() (paramfile.Date, bool) {
	if d, ok := v.scalar.(paramfile.Date); ok {
		return d, true
	}
	for _, x := range v.list {
		if d, ok := x.date(); ok {
			return d, true
		}
	}
	for _, k := range v.keys {
		if d, ok := v.dict[k].date(); ok {
			return d, true
		}
	}
	return "", false
}

// noDates refuses dates below v in a dvc.yaml, as DVC does.
func (s *scope) noDates(v *value) error {
	if !s.dvc {
		return nil
	}
	if d, ok := v.date(); ok {
		return errs.New(errs.Usage, "%s is a date, which a dvc.yaml cannot use", d).
			Hint("put quotes around it in %s: '%s'", v.origin, d)
	}
	return nil
}

// find returns what the expression inside ${} names.
func (s *scope) find(expr string) (*value, error) {
	steps := paramfile.Steps(expr)
	at := s.root
	if v, ok := s.loop[steps[0]]; ok {
		at, steps = v, steps[1:]
	}
	for _, step := range steps {
		var next *value
		switch {
		case at.dict != nil:
			next = at.dict[step]
			if next == nil {
				names := at.keys
				if at == s.root {
					names = slices.Concat(names, slices.Sorted(maps.Keys(s.loop)))
				}
				return nil, (&problem{text: fmt.Sprintf("${%s}: nothing is named %q", expr, step)}).nearest(step, names)
			}
		case at.list != nil:
			i, err := strconv.Atoi(step)
			if i < 0 {
				i += len(at.list)
			}
			if err != nil || i < 0 || i >= len(at.list) {
				return nil, fmt.Errorf("${%s}: the list has no item %q", expr, step)
			}
			next = at.list[i]
		default:
			return nil, fmt.Errorf("${%s}: %s has nothing below it to name %q", expr, paramfile.TypeName(at.scalar), step)
		}
		at = next
	}
	s.note(at)
	return at, nil
}

// note remembers that v was used, when it came from a parameter file.
func (s *scope) note(v *value) {
	if s.used == nil || v.file == "" || v.dict != nil {
		return
	}
	if s.used[v.file] == nil {
		s.used[v.file] = map[string]any{}
	}
	s.used[v.file][v.path] = v.plain()
}

// textOf is the text of a scalar value.
func textOf(v *value) string { return paramfile.Text(v.plain()) }
