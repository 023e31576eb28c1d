package track

import (
	"cmp"
	"math"
	"slices"

	"github.com/mlops-cli/mlops/pkg/oid"
)

// DefaultExperiment is the experiment of runs that name none.
const DefaultExperiment = "Default"

// Status says how far a run has come.
type Status string

// The statuses of a run. A run that is neither running nor scheduled has
// finished; unless it is a Script it no longer changes, but for its tags, name and
// note.
const (
	Running   Status = "RUNNING"
	Scheduled Status = "SCHEDULED"
	Finished  Status = "FINISHED"
	Failed    Status = "FAILED"
	Killed    Status = "KILLED"
)

// Statuses returns every status.
func Statuses() []Status { return []Status{Running, Scheduled, Finished, Failed, Killed} }

// Over reports whether a run of this status has ended.
func (s Status) Over() bool { return s == Finished || s == Failed || s == Killed }

// Kind says what a run is an execution of.
type Kind string

// The kinds of runs.
const (
	Pipeline Kind = "pipeline" // mlops run
	Stage    Kind = "stage"    // one stage, when recorded on its own
	Trial    Kind = "trial"    // one try of a search
	Script   Kind = "script"   // anything that logs by itself
)

// Run is one execution with all that is known of it. In lists, Metrics holds
// the last point of each series, and Assets, Stages and Environment are left
// out.
type Run struct {
	ID          string            `json:"run_id"` // 32 hex digits
	Name        string            `json:"name"`
	Experiment  string            `json:"experiment"`
	Kind        Kind              `json:"kind"`
	Status      Status            `json:"status"`
	StartTime   int64             `json:"start_time"` // ms
	EndTime     int64             `json:"end_time"`   // ms, 0 while it runs
	Parent      string            `json:"parent,omitempty"`
	User        string            `json:"user,omitempty"`
	Source      string            `json:"source,omitempty"`  // the file or pipeline that ran
	Command     []string          `json:"command,omitempty"` // the command line
	Git         Git               `json:"git"`
	Environment map[string]string `json:"environment,omitempty"`
	Note        string            `json:"note,omitempty"`
	Deleted     bool              `json:"deleted,omitempty"`
	Process     Process           `json:"-"` // who works on it; zero: nobody who could be missed
	Children    int64             `json:"-"` // runs that have it as parent; only where asked for

	// ExperimentID is the experiment's id here; it does not travel. A run that
	// is created with one goes into that experiment, whatever its Experiment.
	ExperimentID string `json:"-"`

	Params  []Param       `json:"params"`  // by key
	Metrics []Summary     `json:"metrics"` // by key
	Tags    []Tag         `json:"tags"`    // by key
	Assets  []Asset       `json:"assets,omitempty"`
	Stages  []StageRecord `json:"stages,omitempty"` // in the order they were logged

	Datasets     []DatasetInput `json:"datasets,omitempty"`      // in the order they were logged
	ModelInputs  []string       `json:"model_inputs,omitempty"`  // ids of logged models that it read
	ModelOutputs []ModelOutput  `json:"model_outputs,omitempty"` // logged models that it made
}

// Git is the state of the code a run used.
type Git struct {
	Commit string `json:"commit,omitempty"`
	Branch string `json:"branch,omitempty"`
	Dirty  bool   `json:"dirty,omitempty"` // tracked files differed from the commit
	Remote string `json:"remote,omitempty"`
}

// Process is the operating system process that works on a run. When it is
// gone and the run still says RUNNING, the run was killed.
type Process struct {
	Host    string
	PID     int
	Started string // tells two processes with one PID apart; opaque
}

// Param is an input of a run. Logged again it must have the same value.
type Param struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// Metric is one point of a series.
type Metric struct {
	Key       string  `json:"key"`
	Value     float64 `json:"value"` // may be NaN or infinite
	Timestamp int64   `json:"timestamp"`
	Step      int64   `json:"step"` // in Recorder.Log it may be NextStep

	// Model is the logged model that it was measured with, Dataset and Digest
	// what on. Histories of runs leave them out.
	Model   string `json:"model_id,omitempty"`
	Dataset string `json:"dataset_name,omitempty"`
	Digest  string `json:"dataset_digest,omitempty"`
}

// NextStep stands for the step after the last of the series, 0 for the first.
const NextStep = math.MinInt64

// Summary is what is known of a series without its points.
type Summary struct {
	Key       string `json:"key"`
	Value     Value  `json:"value"` // of the last point: highest step, then timestamp, then value
	Timestamp int64  `json:"timestamp"`
	Step      int64  `json:"step"`
	Min       Value  `json:"min"` // NaN when every point is NaN
	Max       Value  `json:"max"`
	Count     int64  `json:"count"`
}

// Tag is a label of a run. Time says when it was set; of two copies of a run
// the later tag wins.
type Tag struct {
	Key   string `json:"key"`
	Value string `json:"value"`
	Time  int64  `json:"time,omitempty"`

	Removed bool `json:"removed,omitempty"` // in records only: it was taken off at Time
}

// Role says what a run had to do with an asset.
type Role string

// The roles of assets.
const (
	Input    Role = "input"
	Output   Role = "output"
	Artifact Role = "artifact"
	Model    Role = "model"
)

// Asset is a file or directory that a run read, wrote or kept.
type Asset struct {
	Path  string `json:"path"` // slash path relative to the repository
	Role  Role   `json:"role"`
	Kind  string `json:"kind"` // file or dir
	ID    oid.ID `json:"id"`
	Size  int64  `json:"size"`  // bytes
	Files int64  `json:"files"` // regular files at or below the path
	// Local means that its bytes stay on the machine of the run: a push leaves
	// them out, because the pipeline says so or git has them.
	Local bool `json:"local,omitempty"`
}

// StageRecord is what happened to one stage in a run.
type StageRecord struct {
	Name        string   `json:"name"`
	Action      string   `json:"action"` // ran, skipped, restored or failed
	Reasons     []string `json:"reasons"`
	Seconds     float64  `json:"seconds"`
	CPUSeconds  float64  `json:"cpu_seconds,omitempty"` // user and system time of its processes
	MaxRSS      int64    `json:"max_rss,omitempty"`     // bytes
	ExitCode    int      `json:"exit_code"`
	Attempts    int      `json:"attempts,omitempty"` // of its commands; 0 when none ran
	Log         oid.ID   `json:"log"`                // object with its output; zero: none
	Fingerprint string   `json:"fingerprint,omitempty"`
}

// Event is one line of the history.
type Event struct {
	Seq     int64  `json:"seq"`
	Time    int64  `json:"time"`    // ms
	Kind    string `json:"kind"`    // run.created, run.finished, …
	Subject string `json:"subject"` // id of the run
	By      string `json:"by"`
	Data    string `json:"data,omitempty"` // JSON object
}

// Param returns the value of a param.
func (r *Run) Param(key string) (string, bool) {
	i, ok := slices.BinarySearchFunc(r.Params, key, func(p Param, k string) int { return cmp.Compare(p.Key, k) })
	if !ok {
		return "", false
	}
	return r.Params[i].Value, true
}

// Metric returns the summary of a series.
func (r *Run) Metric(key string) (Summary, bool) {
	i, ok := slices.BinarySearchFunc(r.Metrics, key, func(m Summary, k string) int { return cmp.Compare(m.Key, k) })
	if !ok {
		return Summary{}, false
	}
	return r.Metrics[i], true
}
