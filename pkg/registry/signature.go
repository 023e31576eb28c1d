package registry

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Signature says what goes into a model and comes out, in MLflow's words: each
// part is the JSON that an MLmodel file holds, null where there is none.
type Signature struct {
	Inputs  json.RawMessage `json:"inputs,omitempty"`
	Outputs json.RawMessage `json:"outputs,omitempty"`
	Params  json.RawMessage `json:"params,omitempty"`
}

// field is a column, tensor or parameter of a signature. What is not a column
// of a simple type is compared as JSON.
type field struct {
	Name     string          `json:"name"`
	Type     string          `json:"type"`
	Required *bool           `json:"required"`
	Shape    json.RawMessage `json:"shape"`
	whole    string
}

func (f *field) required() bool { return f.Required == nil || *f.Required }

// fieldsOf reads a part of a signature.
func fieldsOf(part json.RawMessage) []field {
	var raw []json.RawMessage
	if json.Unmarshal(part, &raw) != nil {
		return nil
	}
	fields := make([]field, len(raw))
	for i, r := range raw {
		// An entry that is no object has no name and is compared as it is.
		_ = json.Unmarshal(r, &fields[i])
		fields[i].whole = canonical(r)
	}
	return fields
}

// canonical is JSON with sorted keys and no spaces.
func canonical(raw json.RawMessage) string {
	var v any
	if len(raw) == 0 || json.Unmarshal(raw, &v) != nil {
		return string(raw)
	}
	if v == nil {
		return ""
	}
	if m, ok := v.(map[string]any); ok && m["required"] == true {
		delete(m, "required") // as it is where nothing is said
	}
	out, err := json.Marshal(v)
	if err != nil {
		return string(raw)
	}
	return string(out)
}

// label names a field for people.
func (f *field) label(i int) string {
	if f.Name != "" {
		return f.Name
	}
	return fmt.Sprintf("%d", i+1)
}

// is names the type of a field.
func (f *field) is() string {
	if f.Type != "" && f.Type != "tensor" && f.Type != "object" && f.Type != "array" {
		return f.Type
	}
	return f.whole
}

// match pairs fields by name, and those without one by their place.
func match(list []field, f *field, i int) *field {
	if f.Name == "" {
		if i < len(list) && list[i].Name == "" {
			return &list[i]
		}
		return nil
	}
	at := slices.IndexFunc(list, func(g field) bool { return g.Name == f.Name })
	if at < 0 {
		return nil
	}
	return &list[at]
}

// widens reports whether values of one type can be given where another is
// wanted, as MLflow lets them.
func widens(from, to *field) bool {
	if from.is() == to.is() {
		return true
	}
	wider := map[string]string{"integer": "long double", "long": "", "float": "double"}
	return slices.Contains(strings.Fields(wider[from.is()]), to.is())
}

// Incompatible says why who calls a model with the signature old cannot call one
// with the signature next: inputs it lacks or has as another type, outputs that
// are gone. It is empty when nothing stands in the way.
func Incompatible(old, next *Signature) []string {
	switch {
	case old == nil:
		return nil
	case next == nil:
		return []string{"it has no signature"}
	}
	var faults []string
	given, wanted := fieldsOf(old.Inputs), fieldsOf(next.Inputs)
	for i := range wanted {
		f := &wanted[i]
		switch have := match(given, f, i); {
		case have == nil && f.required():
			faults = append(faults, "it needs the input "+f.label(i))
		case have != nil && !widens(have, f):
			faults = append(faults, fmt.Sprintf("the input %s is %s, was %s", f.label(i), f.is(), have.is()))
		case have != nil && f.required() && !have.required():
			faults = append(faults, "the input "+f.label(i)+" is no longer optional")
		}
	}
	faults = append(faults, missingOutputs(old, next)...)
	had, has := fieldsOf(old.Params), fieldsOf(next.Params)
	for i := range had {
		f := &had[i]
		switch now := match(has, f, i); {
		case now == nil:
			faults = append(faults, "the parameter "+f.label(i)+" is gone")
		case !widens(f, now):
			faults = append(faults, fmt.Sprintf("the parameter %s is %s, was %s", f.label(i), now.is(), f.is()))
		}
	}
	return faults
}

func missingOutputs(old, next *Signature) []string {
	var faults []string
	had, has := fieldsOf(old.Outputs), fieldsOf(next.Outputs)
	for i := range had {
		f := &had[i]
		switch now := match(has, f, i); {
		case now == nil:
			faults = append(faults, "the output "+f.label(i)+" is gone")
		case now.is() != f.is():
			faults = append(faults, fmt.Sprintf("the output %s is %s, was %s", f.label(i), now.is(), f.is()))
		}
	}
	return faults
}

// SignatureDiff lists what differs between two signatures, for people.
func SignatureDiff(old, next *Signature) []string {
	if old == nil {
		old = &Signature{}
	}
	if next == nil {
		next = &Signature{}
	}
	var list []string
	for _, part := range []struct {
		name      string
		old, next json.RawMessage
	}{{"input", old.Inputs, next.Inputs}, {"output", old.Outputs, next.Outputs}, {"parameter", old.Params, next.Params}} {
		a, b := fieldsOf(part.old), fieldsOf(part.next)
		before := len(list)
		for i := range a {
			switch g := match(b, &a[i], i); {
			case g == nil:
				list = append(list, fmt.Sprintf("%s %s is gone", part.name, a[i].label(i)))
			case g.is() != a[i].is():
				list = append(list, fmt.Sprintf("%s %s is %s, was %s", part.name, a[i].label(i), g.is(), a[i].is()))
			case g.whole != a[i].whole:
				list = append(list, fmt.Sprintf("%s %s is %s, was %s", part.name, a[i].label(i), g.whole, a[i].whole))
			}
		}
		for i := range b {
			if match(a, &b[i], i) == nil {
				list = append(list, fmt.Sprintf("%s %s (%s) is new", part.name, b[i].label(i), b[i].is()))
			}
		}
		if len(list) == before && len(a)+len(b) == 0 && canonical(part.old) != canonical(part.next) {
			list = append(list, fmt.Sprintf("%ss differ", part.name))
		}
	}
	return list
}

// Field is a column, tensor or parameter of a signature, for people.
type Field struct {
	Part     string // input, output or parameter
	Name     string // or its place, from 1
	Type     string // MLflow's word, or JSON where the type has parts
	Optional bool
}

// Fields lists what goes in and comes out.
func (s *Signature) Fields() []Field {
	var list []Field
	for _, part := range []struct {
		name string
		json json.RawMessage
	}{{"input", s.Inputs}, {"output", s.Outputs}, {"parameter", s.Params}} {
		for i, f := range fieldsOf(part.json) {
			list = append(list, Field{Part: part.name, Name: f.label(i), Type: f.is(), Optional: !f.required()})
		}
	}
	return list
}
