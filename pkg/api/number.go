package api

import (
	"github.com/danielgtaylor/huma/v2"

	"github.com/mlops-cli/mlops/pkg/track"
)

// number is a value that may be NaN or infinite, which JSON writes as text.
type number track.Value

// Schema implements huma.SchemaProvider.
func (number) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{
		Description: "a number, or a text for what JSON has no number for",
		OneOf: []*huma.Schema{
			{Type: huma.TypeNumber},
			{Type: huma.TypeString, Enum: []any{"NaN", "Infinity", "-Infinity"}},
		},
	}
}

// MarshalJSON implements json.Marshaler.
func (n number) MarshalJSON() ([]byte, error) { return track.Value(n).MarshalJSON() }

// UnmarshalJSON implements json.Unmarshaler.
func (n *number) UnmarshalJSON(b []byte) error { return (*track.Value)(n).UnmarshalJSON(b) }
