package track

import "context"

// Correction says when a param or a metric of a run was last corrected. Of two
// copies of the run, the one that was corrected later decides about that key.
type Correction struct {
	Entity Entity `json:"entity"` // Params or Metrics
	Key    string `json:"key"`
	Time   int64  `json:"time"` // ms
}

// Corrector changes what was logged by mistake. Only a Script may be corrected,
// also when it is over: what the engine recorded is what happened, and any
// other kind of run is errs.Conflict. A deleted run is a DeletedError. What a
// run does not have is errs.NotFound. The history says what was there before.
type Corrector interface {
	// SetParam gives a param a value, whether it has one or not.
	SetParam(ctx context.Context, id string, p Param) error
	DeleteParam(ctx context.Context, id, key string) error
	// ChangeMetric gives a series the points that change makes of those it has,
	// which come in the order of Reader.History; with none left the series is
	// gone. Of a new point only Value, Timestamp and Step count. Logged models
	// that were measured by a point lose it with the point. Change may be called
	// more than once; its errors are returned.
	ChangeMetric(ctx context.Context, id, key string, change func(have []Metric) ([]Metric, error)) error
}
