package paramfile

import (
	"math"
	"math/big"
)

// AppendJSON appends v as JSON that every reader understands, mappings in their
// own order. What JSON lacks is text: "NaN", "Infinity", "-Infinity", a date.
func AppendJSON(b []byte, v any) []byte {
	switch d := v.(type) {
	case nil:
		return append(b, "null"...)
	case *Map:
		b = append(b, '{')
		for i, key := range d.keys {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(AppendString(b, key), ':')
			b = AppendJSON(b, d.vals[key])
		}
		return append(b, '}')
	case []any:
		b = append(b, '[')
		for i, value := range d {
			if i > 0 {
				b = append(b, ',')
			}
			b = AppendJSON(b, value)
		}
		return append(b, ']')
	case string:
		return AppendString(b, d)
	case Date:
		return AppendString(b, string(d))
	case Bytes:
		return AppendString(b, d.text())
	case *big.Int:
		return d.Append(b, 10)
	case float64:
		switch {
		case math.IsNaN(d):
			return append(b, `"NaN"`...)
		case math.IsInf(d, 1):
			return append(b, `"Infinity"`...)
		case math.IsInf(d, -1):
			return append(b, `"-Infinity"`...)
		}
	}
	return append(b, Text(v)...)
}
