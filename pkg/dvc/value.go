package dvc

import (
	"fmt"

	"github.com/mlops-cli/mlops/pkg/paramfile"
)

// mapping reads the fields of a mapping that was decoded by paramfile. What is
// of another type than DVC writes is noted in err.
type mapping struct {
	m    *paramfile.Map
	what string
	err  *error
}

func asMapping(v any, what string, err *error) mapping {
	m, ok := v.(*paramfile.Map)
	if !ok {
		fail(err, "%s is %s, not a mapping", what, paramfile.TypeName(v))
		m = nil
	}
	return mapping{m, what, err}
}

func fail(err *error, format string, args ...any) {
	if *err == nil {
		*err = fmt.Errorf(format+": %w", append(args, ErrFormat)...)
	}
}

func (m mapping) get(key string) any {
	if m.m == nil {
		return nil
	}
	v, _ := m.m.Get(key)
	return v
}

func (m mapping) has(key string) bool {
	if m.m == nil {
		return false
	}
	_, ok := m.m.Get(key)
	return ok
}

func (m mapping) text(key string) string {
	switch v := m.get(key).(type) {
	case nil:
		return ""
	case string:
		return v
	case int64, float64: // a hash or a revision of digits only that is not quoted
		return paramfile.Text(v)
	default:
		fail(m.err, "%s: %s is %s, not text", m.what, key, paramfile.TypeName(v))
		return ""
	}
}

func (m mapping) number(key string) int64 {
	switch v := m.get(key).(type) {
	case nil:
		return 0
	case int64:
		if v >= 0 {
			return v
		}
	}
	fail(m.err, "%s: %s is not a number of 0 or more", m.what, key)
	return 0
}

func (m mapping) flag(key string, usual bool) bool {
	switch v := m.get(key).(type) {
	case nil:
		return usual
	case bool:
		return v
	case string: // push: a remote's name in some versions
		return v != ""
	default:
		fail(m.err, "%s: %s is neither true nor false", m.what, key)
		return usual
	}
}

func (m mapping) list(key string) []any {
	switch v := m.get(key).(type) {
	case nil:
		return nil
	case []any:
		return v
	default:
		fail(m.err, "%s: %s is not a list", m.what, key)
		return nil
	}
}
