package track

import "context"

// Experiment is a named group of runs.
type Experiment struct {
	ID       string `json:"experiment_id"` // a number; "0" is Default
	Name     string `json:"name"`
	Created  int64  `json:"creation_time"`               // ms
	Updated  int64  `json:"last_update_time"`            // ms
	Runs     int64  `json:"runs"`                        // those not deleted
	Location string `json:"artifact_location,omitempty"` // as a client gave it; "" means ours
	Deleted  bool   `json:"deleted,omitempty"`
	Tags     []Tag  `json:"tags,omitempty"` // by key
}

// ExperimentQuery chooses experiments. Its zero value means all that are not
// deleted.
type ExperimentQuery struct {
	Filter  Filter  // on name, experiment_id, creation_time, last_update_time and tags
	Deleted bool    // also those in the bin
	Removed bool    // only those in the bin
	Order   []Order // ties: the newest first, then by id
	Offset  int
	Limit   int // 0 for all
}

// ExperimentReader is what a program that shows experiments needs. What does
// not exist is a MissingError of kind errs.NotFound.
type ExperimentReader interface {
	// Experiment returns one by its id, also when it is deleted.
	Experiment(ctx context.Context, id string) (Experiment, error)
	// ExperimentByName returns one by its name, also when it is deleted.
	ExperimentByName(ctx context.Context, name string) (Experiment, error)
	SearchExperiments(ctx context.Context, q ExperimentQuery) ([]Experiment, error)
}

// ExperimentCurator makes and changes experiments. A deleted one refuses all
// but Restore, with a DeletedError.
type ExperimentCurator interface {
	// CreateExperiment stores an experiment with its name, location and tags,
	// and returns it with its id: the one that it has, if that is free, else a new
	// one. A name that is taken is an ExistsError.
	CreateExperiment(ctx context.Context, e Experiment) (Experiment, error)
	RenameExperiment(ctx context.Context, id, name string) error
	// DeleteExperiment puts an experiment into the bin, and its runs with it.
	DeleteExperiment(ctx context.Context, id string) error
	// RestoreExperiment takes it out again with all its runs. One that is not
	// in the bin is a MissingError.
	RestoreExperiment(ctx context.Context, id string) error
	SetExperimentTags(ctx context.Context, id string, tags []Tag) error
	// DeleteExperimentTag is a MissingError when there is no such tag.
	DeleteExperimentTag(ctx context.Context, id, key string) error
}
