package track

import (
	"context"
	"strings"
)

// ModelStatus says how far a logged model has come.
type ModelStatus string

// The statuses of logged models, in MLflow's words.
const (
	ModelPending ModelStatus = "LOGGED_MODEL_PENDING"
	ModelReady   ModelStatus = "LOGGED_MODEL_READY"
	ModelFailed  ModelStatus = "LOGGED_MODEL_UPLOAD_FAILED"
)

// LoggedModel is a model that a client logged as a thing of its own, with files
// (see Artifacts), params, tags and the metrics that were measured with it.
type LoggedModel struct {
	ID           string        `json:"model_id"` // "m-" and 32 hex digits
	ExperimentID string        `json:"experiment_id,omitempty"`
	Experiment   string        `json:"experiment,omitempty"` // its name
	Name         string        `json:"name"`
	Type         string        `json:"model_type,omitempty"`
	Run          string        `json:"source_run_id,omitempty"` // the run that made it
	Status       ModelStatus   `json:"status"`
	Message      string        `json:"status_message,omitempty"`
	Created      int64         `json:"creation_timestamp_ms"`
	Updated      int64         `json:"last_updated_timestamp_ms"`
	Params       []Param       `json:"params,omitempty"`
	Tags         []Tag         `json:"tags,omitempty"`
	Metrics      []ModelMetric `json:"metrics,omitempty"` // by key, timestamp, step and run
}

// ModelMetric is a point that a run measured with a logged model.
type ModelMetric struct {
	Metric
	Run string `json:"run_id"`
}

// DatasetKey names a dataset; an empty digest means any.
type DatasetKey struct{ Name, Digest string }

// ModelOrder sorts logged models; a metric may count only where it was measured
// on a dataset. Models without the value come last.
type ModelOrder struct {
	Order
	Dataset DatasetKey
}

// ModelQuery chooses logged models. Its zero value means all.
type ModelQuery struct {
	Experiments []string // ids; nil for all
	// Filter looks at params, tags, metrics (a model has it when one of its
	// points has it) and the attributes model_id, model_name or name, status,
	// model_type, creation_timestamp, last_updated_timestamp, source_run_id,
	// experiment_id, artifact_uri.
	Filter   Filter
	Datasets []DatasetKey // a metric of the filter counts only on one of these
	Order    []ModelOrder // ties: the newest first, then by id
	Offset   int
	Limit    int    // 0 for all
	Root     string // URI below which artifact_uri is, of experiments without a location; "" for mlflow-artifacts:
}

// ModelReader is what a program that shows logged models needs.
type ModelReader interface {
	// LoggedModel returns one; a MissingError when it does not exist or is
	// deleted.
	LoggedModel(ctx context.Context, id string) (LoggedModel, error)
	LoggedModels(ctx context.Context, q ModelQuery) ([]LoggedModel, error)
}

// ModelRecorder makes and changes logged models. Their metrics are logged to
// runs: see Metric.Model.
type ModelRecorder interface {
	// CreateLoggedModel stores a model and returns it with what was missing
	// filled in: id, status (ModelPending), times. The experiment is named by
	// its id.
	CreateLoggedModel(ctx context.Context, m LoggedModel) (LoggedModel, error)
	// FinishLoggedModel sets its status; message says why it failed.
	FinishLoggedModel(ctx context.Context, id string, status ModelStatus, message string) error
	DeleteLoggedModel(ctx context.Context, id string) error
	SetLoggedModelTags(ctx context.Context, id string, tags []Tag) error
	// DeleteLoggedModelTag is a MissingError when there is no such tag.
	DeleteLoggedModelTag(ctx context.Context, id, key string) error
	// LogModelParams adds params; one that has another value is a ParamError.
	LogModelParams(ctx context.Context, id string, params []Param) error
}

// NewModelID returns a fresh id of a logged model.
func NewModelID() string { return "m-" + NewID() }

// IsModelID reports whether id has the form of a logged model's id.
func IsModelID(id string) bool {
	hex, ok := strings.CutPrefix(id, "m-")
	return ok && CheckID(hex) == nil
}
