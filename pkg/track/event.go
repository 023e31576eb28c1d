package track

// The kinds of events. A kind is a thing and what happened to it.
const (
	RunCreated        = "run.created"
	RunStarted        = "run.started" // one that was scheduled
	RunFinished       = "run.finished"
	RunImported       = "run.imported"
	RunCorrected      = "run.corrected" // a param or a metric: see the data
	ExperimentCreated = "experiment.created"
	StageStarted      = "stage.started"
	StageRetried      = "stage.retried"
	StageFinished     = "stage.finished" // also one that failed: see its action
	DataAdded         = "data.added"
	RemotePushed      = "remote.pushed"
	RemoteFetched     = "remote.fetched"
)

// EventKinds returns the kinds of events that have a name here.
func EventKinds() []string {
	return []string{
		RunCreated, RunFinished, RunImported, RunCorrected, ExperimentCreated, StageStarted, StageRetried, StageFinished, DataAdded, RemotePushed, RemoteFetched,
	}
}

// EventQuery chooses events. Its zero value means all.
type EventQuery struct {
	Subject string   // a run's id, a path, the name of a remote or of an experiment
	Kinds   []string // whole kinds, or what stands before the dot
	Since   int64    // ms; those at that time or later
	By      string   // only what this user did
	After   int64    // only those with a higher number
	Before  int64    // only those with a lower number; 0 for all
	Last    int      // only so many, the newest; 0 for all
	First   int      // only so many, the oldest; 0 for all
}
