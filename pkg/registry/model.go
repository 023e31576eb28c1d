package registry

import (
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/track"
)

// Model is a registered name with what is known of it.
type Model struct {
	Name        string    `json:"name"`
	Created     int64     `json:"creation_time"`    // ms
	Updated     int64     `json:"last_update_time"` // ms
	Description string    `json:"description"`
	Tags        []Tag     `json:"tags"`     // by key
	Aliases     []Alias   `json:"aliases"`  // by name
	Latest      []Version `json:"-"`        // of each stage that has versions, the highest number
	Versions    int       `json:"versions"` // those not deleted
}

// Version is one numbered state of a model.
type Version struct {
	Model       string   `json:"name"`
	Number      int      `json:"version"`
	ID          string   `json:"id"` // 32 hex digits: the same on every machine, whatever the number
	Created     int64    `json:"creation_time"`
	Updated     int64    `json:"last_update_time"`
	Description string   `json:"description,omitempty"`
	User        string   `json:"user,omitempty"` // who registered it
	Stage       Stage    `json:"stage"`
	Status      Status   `json:"status"`
	StatusText  string   `json:"status_message,omitempty"`
	Source      string   `json:"source,omitempty"`           // where the files came from: a URI, or a path of the repository
	Storage     string   `json:"storage_location,omitempty"` // where they are, when Source only points there
	RunID       string   `json:"run_id,omitempty"`
	RunLink     string   `json:"run_link,omitempty"`
	LoggedModel string   `json:"model_id,omitempty"` // id of the logged model it was made from
	Tags        []Tag    `json:"tags"`               // by key
	Aliases     []string `json:"aliases"`            // sorted

	Details   Details    `json:"details"`
	Approvals []Approval `json:"approvals"` // the oldest first
}

// Details is what a version keeps of how it came about. It never changes.
type Details struct {
	Object    oid.ID        `json:"object,omitzero"` // its files in the store; zero: they are at Source only
	Kind      string        `json:"kind,omitempty"`  // file or dir
	Path      string        `json:"path,omitempty"`  // slash path relative to the repository, where it was
	Size      int64         `json:"size"`            // bytes
	Files     int64         `json:"files"`
	RunName   string        `json:"run_name,omitempty"`
	Git       track.Git     `json:"git"`              // the code
	Inputs    []Data        `json:"inputs,omitempty"` // the data that its run read
	Params    []track.Param `json:"params,omitempty"` // of its run, as they were
	Metrics   []Measure     `json:"metrics,omitempty"`
	Flavors   []string      `json:"flavors,omitempty"`       // such as sklearn, python_function
	Signature *Signature    `json:"signature,omitempty"`     // what goes in and comes out
	Example   string        `json:"input_example,omitempty"` // path of an input example below the files
	Licence   string        `json:"licence,omitempty"`       // an SPDX expression where there is one
	Card      string        `json:"card,omitempty"`          // the model card, Markdown
}

// Data is a version of data: a path and its content.
type Data struct {
	Path  string `json:"path"`
	Kind  string `json:"kind"` // file or dir
	ID    oid.ID `json:"id"`
	Size  int64  `json:"size"`
	Files int64  `json:"files"`
	Code  bool   `json:"code,omitempty"` // git has it, in the commit of the run
}

// Measure is the last value of a metric.
type Measure struct {
	Key   string      `json:"key"`
	Value track.Value `json:"value"`
}

// Tag is a label of a model or a version.
type Tag struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// Alias is a movable name of a version.
type Alias struct {
	Name    string `json:"alias"`
	Version int    `json:"version"`
	By      string `json:"by,omitempty"` // who set it
	Time    int64  `json:"time"`         // ms, when
}

// Holder is the number of the version that has an alias: a stage and "latest",
// which Reader.Find knows too, are none.
func (m *Model) Holder(alias string) (int, error) {
	for _, a := range m.Aliases {
		if a.Name == alias {
			return a.Version, nil
		}
	}
	return 0, Missing(MissingError{Model: m.Name, Alias: alias})
}

// Approval is a named person's word that a version is good.
type Approval struct {
	By    string `json:"by"`
	Time  int64  `json:"time"`            // ms
	Alias string `json:"alias,omitempty"` // for this alias only; "" for all
	Note  string `json:"note,omitempty"`
}

// Stage is MLflow's label of a version.
type Stage string

// The stages.
const (
	NoStage    Stage = "None"
	Staging    Stage = "Staging"
	Production Stage = "Production"
	Archived   Stage = "Archived"
)

// Stages returns every stage in MLflow's order.
func Stages() []Stage { return []Stage{NoStage, Staging, Production, Archived} }

// Status says whether the files of a version are there.
type Status string

// The statuses of versions.
const (
	Pending Status = "PENDING_REGISTRATION"
	Failed  Status = "FAILED_REGISTRATION"
	Ready   Status = "READY"
)
