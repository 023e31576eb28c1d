package term

import (
	"encoding/json"
	"io"
	"reflect"
)

// writeJSON writes v as one indented document. A nil slice or map at the top
// is an empty list or object, never null.
func writeJSON(w io.Writer, v any) error {
	if r := reflect.ValueOf(v); r.IsValid() && (r.Kind() == reflect.Slice || r.Kind() == reflect.Map) && r.IsNil() {
		empty := "[]\n"
		if r.Kind() == reflect.Map {
			empty = "{}\n"
		}
		_, err := io.WriteString(w, empty)
		return err
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
