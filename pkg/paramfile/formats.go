package paramfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"sort"
	"time"

	"github.com/pelletier/go-toml/v2"
)

func parseJSON(data []byte) (any, error) {
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, nil
	}
	v, err := decodeJSON(data)
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		line := 1 + bytes.Count(data[:min(int(syntax.Offset), len(data))], []byte("\n"))
		return nil, fmt.Errorf("line %d: %w", line, err)
	}
	return v, err
}

// parseTOML gives the keys of each table sorted: the decoder does not tell
// their order.
func parseTOML(data []byte) (any, error) {
	var raw map[string]any
	if err := toml.Unmarshal(data, &raw); err != nil {
		if at, ok := errors.AsType[*toml.DecodeError](err); ok {
			line, column := at.Position()
			return nil, fmt.Errorf("line %d, column %d: %w", line, column, err)
		}
		return nil, err
	}
	return fromTOML(raw), nil
}

func fromTOML(v any) any {
	switch v := v.(type) {
	case map[string]any:
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		sort.Strings(keys)
		m := NewMap()
		for _, k := range keys {
			m.Set(k, fromTOML(v[k]))
		}
		return m
	case []any:
		list := make([]any, len(v))
		for i, x := range v {
			list[i] = fromTOML(x)
		}
		return list
	case time.Time:
		return Date(v.Format(time.RFC3339Nano))
	case fmt.Stringer:
		return Date(v.String())
	default:
		return v
	}
}
