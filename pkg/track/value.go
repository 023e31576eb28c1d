package track

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
)

// Value is a number that JSON may not know: NaN, Infinity and -Infinity are
// written as strings, as in MLflow's protocol.
type Value float64

// String prints the value in the shortest form that reads back the same.
func (v Value) String() string {
	switch f := float64(v); {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	default:
		return strconv.FormatFloat(f, 'g', -1, 64)
	}
}

// MarshalJSON writes a number, or a string where JSON has no number.
func (v Value) MarshalJSON() ([]byte, error) {
	if f := float64(v); math.IsNaN(f) || math.IsInf(f, 0) {
		return []byte(`"` + v.String() + `"`), nil
	}
	return json.Marshal(float64(v))
}

// UnmarshalJSON is the inverse of MarshalJSON; a number in a string is read too.
func (v *Value) UnmarshalJSON(b []byte) error {
	var n json.Number
	if len(b) > 0 && b[0] == '"' {
		var s string
		if err := json.Unmarshal(b, &s); err != nil {
			return err
		}
		parsed, err := ParseValue(s)
		*v = parsed
		return err
	}
	if err := json.Unmarshal(b, &n); err != nil {
		return err
	}
	parsed, err := ParseValue(n.String())
	*v = parsed
	return err
}

// ParseValue reads what a person or a file calls a number: 0.3, 1e-4, nan,
// inf, -Infinity.
func ParseValue(s string) (Value, error) {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is not a number", s)
	}
	return Value(f), nil
}
