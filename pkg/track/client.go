package track

import "context"

// Update is a change of a run; zero values change nothing.
type Update struct {
	Status  Status // a run of kind Script may be taken up again
	EndTime int64  // ms
	Name    string
	Delete  bool // it goes to the bin, in the same step
}

// Updater changes runs as MLflow's clients do.
type Updater interface {
	// Update changes a run that is not deleted. One that is over and no script
	// is an EndedError unless only its name changes.
	Update(ctx context.Context, id string, u Update) error
}

// SampleQuery asks for the points of one metric of some runs.
type SampleQuery struct {
	Runs  []string // ids
	Key   string
	Steps *[2]int64 // only steps from the first to the second, both inclusive
	// Max is how many points a run may have in the answer. More than that are
	// cut into Max parts of one size, the earlier ones a point longer where
	// need be: the answer has the first point of each, but the last point of
	// all in the last one's place.
	Max int
}

// Series is the points of a metric of one run.
type Series struct {
	Run    string
	Points []Metric
}

// Historian reads long histories.
type Historian interface {
	// HistoryPage is a part of Reader.History: limit points after the first
	// offset ones; a limit of 0 means all.
	HistoryPage(ctx context.Context, id, key string, offset, limit int) ([]Metric, error)
	// Sample returns a series by step, timestamp and value for each run that
	// has points, in the order of the query. Runs that do not exist are left
	// out.
	Sample(ctx context.Context, q SampleQuery) ([]Series, error)
}

// Store is tracking as a server offers it.
type Store interface {
	Service
	Updater
	Historian
	ExperimentReader
	ExperimentCurator
	DatasetReader
	ModelReader
	ModelRecorder
	Artifacts
}

type userKey struct{}

// AsUser returns a context in which user is the one who does things: events
// name them.
func AsUser(ctx context.Context, user string) context.Context {
	return context.WithValue(ctx, userKey{}, user)
}

// UserOf returns who AsUser named, "" for nobody.
func UserOf(ctx context.Context) string {
	user, _ := ctx.Value(userKey{}).(string)
	return user
}
