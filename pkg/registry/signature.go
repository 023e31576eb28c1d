package registry

import "encoding/json"

// Signature says what goes into a model and comes out, in MLflow's words: each
// part is the JSON that an MLmodel file holds, null where there is none.
type Signature struct {
	Inputs  json.RawMessage `json:"inputs,omitempty"`
	Outputs json.RawMessage `json:"outputs,omitempty"`
	Params  json.RawMessage `json:"params,omitempty"`
}
