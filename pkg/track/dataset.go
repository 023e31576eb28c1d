package track

import "context"

// Dataset is data that a client says a run used: a description, not the data.
// Within an experiment its name and digest identify it.
type Dataset struct {
	Name       string `json:"name"`
	Digest     string `json:"digest"`
	SourceType string `json:"source_type"`
	Source     string `json:"source"`
	Schema     string `json:"schema,omitempty"`
	Profile    string `json:"profile,omitempty"`
}

// DatasetInput is a dataset as the input of a run. The tag ContextTag says
// what for: train, eval.
type DatasetInput struct {
	Dataset
	Tags []Tag `json:"tags,omitempty"` // by key
}

// ContextTag is the tag of a dataset input that says what it was used for.
const ContextTag = "mlflow.data.context"

// DatasetSummary is one dataset of an experiment in one context.
type DatasetSummary struct {
	ExperimentID string `json:"experiment_id"`
	Name         string `json:"name"`
	Digest       string `json:"digest"`
	Context      string `json:"context,omitempty"`
}

// ModelOutput is a logged model that a run made, at a step.
type ModelOutput struct {
	Model string `json:"model_id"`
	Step  int64  `json:"step"`
}

// DatasetReader is what a program that shows datasets needs.
type DatasetReader interface {
	// Datasets lists the datasets that runs of some experiments, by id, used:
	// each once for each context, by name, digest and context, at most limit.
	Datasets(ctx context.Context, experiments []string, limit int) ([]DatasetSummary, error)
}
