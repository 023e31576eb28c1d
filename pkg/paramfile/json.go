package paramfile

import (
	"encoding/json"
	"math"
)

// JSON returns v as values that encoding/json writes. Floats keep their point;
// what JSON lacks becomes {"__float__": "inf"} and {"__date__": "2020-01-31"}.
func JSON(v any) any {
	switch v := v.(type) {
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return map[string]string{"__float__": floatText(v)}
		}
		return json.Number(floatText(v))
	case Date:
		return map[string]string{"__date__": string(v)}
	case Bytes:
		return v.text()
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = JSON(x)
		}
		return out
	case *Map:
		out := make(map[string]any, len(v.keys))
		for k, x := range v.vals {
			out[k] = JSON(x)
		}
		return out
	default:
		return v
	}
}
