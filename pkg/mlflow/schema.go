package mlflow

import (
	"slices"
)

// fieldType is what a field of a request must be.
type fieldType int

const (
	aText fieldType = iota
	aWord           // of an enum, see request.enum
	anInteger
	aFloat
	aBoolean
	aList
	textList
)

// rule is one line of the schema of a request. Rules are checked in their
// order, as MLflow does: of several mistakes the first one is told.
type rule struct {
	name     string
	kind     fieldType
	required bool
	most     int64 // of an integer; 0 for no limit
}

func need(name string, kind fieldType) rule { return rule{name: name, kind: kind, required: true} }
func may(name string, kind fieldType) rule  { return rule{name: name, kind: kind} }
func upTo(name string, most int64) rule     { return rule{name: name, kind: anInteger, most: most} }

const seeDocs = " See the API docs for more information about request parameters."

func missing(name string) *Error {
	return Errorf(InvalidParameter, "Missing value for required parameter '%s'.%s", name, seeDocs)
}

func badType(name string, v *value) *Error {
	return Errorf(InvalidParameter, "Invalid value %s for parameter '%s' supplied:  Hint: Value was of type '%s'.%s",
		v.json(), name, v.pythonType(), seeDocs)
}

// check says which rule a request breaks.
func (r *request) check(rules []rule) error {
	for _, rule := range rules {
		v := r.get(rule.name)
		if v == nil || v.kind == text && v.text == "" {
			if rule.required {
				return missing(rule.name)
			}
			if v == nil || rule.kind == aText || rule.kind == aWord {
				continue
			}
		}
		if !r.fits(rule, v) {
			return badType(rule.name, v)
		}
	}
	return nil
}

func (r *request) fits(rule rule, v *value) bool {
	switch rule.kind {
	case aText:
		return v.kind == text
	case aWord:
		_, whole := v.integer()
		return v.kind == text || v.kind == number && whole
	case anInteger:
		n, ok := v.integer()
		return ok && (rule.most == 0 || n <= rule.most)
	case aFloat:
		_, ok := v.float()
		return ok
	case aBoolean:
		return v.kind == boolean || r.query
	case aList:
		return v.kind == list || r.query
	case textList:
		return r.query || v.kind == list && !slices.ContainsFunc(v.items, func(item value) bool { return item.kind != text })
	default:
		return false
	}
}
