package track

import "context"

// Batch is what can be logged to a run at once.
type Batch struct {
	Params  []Param
	Metrics []Metric
	Tags    []Tag
	Assets  []Asset       // replace those with the same role and path
	Stages  []StageRecord // appended
	Events  []Event       // go into the history, with the run as their subject
	Name    string        // renames the run; "" does not
	Note    *string       // replaces its note; nil does not

	Datasets     []DatasetInput // replace those with the same name and digest
	ModelInputs  []string       // ids of logged models
	ModelOutputs []ModelOutput
}

// Recorder is what a program that executes something needs. Id is always a
// whole run id.
type Recorder interface {
	// Create stores a run and returns it with what was missing filled in: id,
	// name, experiment, status (Running), start time, user. Params and Tags
	// of the run are stored with it; the rest goes through Log.
	Create(ctx context.Context, run Run) (Run, error)
	// Log adds to a run in one transaction, or changes nothing. A param that
	// has another value (ParamError), a run that is deleted (DeletedError), or one
	// that is over and no script (EndedError), is errs.Conflict.
	Log(ctx context.Context, id string, b Batch) error
	// Finish logs the last batch and ends the run, in one transaction.
	Finish(ctx context.Context, id string, status Status, last Batch) error
}

// Reader is what a program that shows runs needs.
type Reader interface {
	// Resolve turns a run id, a unique prefix of one (four digits or more) or
	// a run's name into a run id. errs.NotFound names the nearest;
	// errs.Conflict lists the runs that an ambiguous word may mean.
	Resolve(ctx context.Context, ref string) (string, error)
	// Run returns everything of one run but the points of its series.
	Run(ctx context.Context, id string) (Run, error)
	// Runs lists runs, the newest first.
	Runs(ctx context.Context, q Query) ([]Run, error)
	// History returns the points of one series by timestamp, step and value.
	History(ctx context.Context, id, key string) ([]Metric, error)
	// Experiments lists the experiments by name.
	Experiments(ctx context.Context) ([]Experiment, error)
}

// Query chooses runs. Its zero value means all that are not deleted.
type Query struct {
	IDs        []string // only these
	Experiment string   // a name; "" for all
	// Experiments are ids; nil for all.
	Experiments []string
	Statuses    []Status // none for all
	Parent      string   // only children of this run, by its id
	Top         bool     // only those that are no children of a run that is listed
	Filter      Filter   // only those of which all of it holds
	Deleted     bool     // also those in the bin
	Removed     bool     // only those in the bin
	Order       []Order  // ties, and all without an order: the newest first
	Offset      int      // leave out so many, the first ones
	Limit       int      // 0 for all
	Bare        bool     // without params, metrics and tags
	Assets      bool     // with the assets, which lists else leave out
	Counts      bool     // with the number of children of each
	Inputs      bool     // with Datasets, ModelInputs and ModelOutputs, which lists else leave out
	Logged      bool     // params, metrics and tags in the order they were first logged, not by key
	Root        string   // URI below which artifact_uri is, of experiments without a location; "" for mlflow-artifacts:
}

// Curator changes what may still be changed when a run is over.
type Curator interface {
	SetTags(ctx context.Context, id string, tags []Tag) error
	// DeleteTags is errs.NotFound when the run has no such tag.
	DeleteTags(ctx context.Context, id string, keys []string) error
	SetNote(ctx context.Context, id, note string) error
	Rename(ctx context.Context, id, name string) error
	// Delete puts a run into the bin; Restore takes it out.
	Delete(ctx context.Context, id string) error
	Restore(ctx context.Context, id string) error
}

// Service is the whole of tracking.
type Service interface {
	Recorder
	Reader
	Curator
}
