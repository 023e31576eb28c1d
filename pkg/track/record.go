package track

import (
	"bytes"
	"encoding/json"

	"github.com/mlops-cli/mlops/pkg/errs"
)

// recordFormat is the version of the bytes of a Record.
const recordFormat = 1

// Record is one finished run with everything that is known of it, in the form
// in which runs travel. Equal records have equal bytes.
type Record struct {
	Run    Run     // without Metrics, which follow from Points
	Points []Curve // by key
	Edited int64   // ms, when the name or the note last changed, or a script that was over grew
	Models []ModelRecord

	Corrections []Correction // by entity and key
}

// ModelRecord is a logged model as it travels with the run that made it.
type ModelRecord struct {
	LoggedModel         // without the experiment, which is the run's
	Artifacts   []Asset // by path
}

// modelJSON writes values that JSON does not know.
type modelJSON struct {
	LoggedModel
	Metrics   []modelPoint `json:"metrics,omitempty"`
	Artifacts []Asset      `json:"artifacts,omitempty"`
}

type modelPoint struct {
	Key       string `json:"key"`
	Value     Value  `json:"value"`
	Timestamp int64  `json:"timestamp"`
	Step      int64  `json:"step"`
	Run       string `json:"run_id"`
	Dataset   string `json:"dataset_name,omitempty"`
	Digest    string `json:"dataset_digest,omitempty"`
}

func (m ModelRecord) json() modelJSON {
	j := modelJSON{LoggedModel: m.LoggedModel, Artifacts: m.Artifacts}
	j.ExperimentID, j.Experiment = "", ""
	for _, p := range m.Metrics {
		j.Metrics = append(j.Metrics, modelPoint{p.Key, Value(p.Value), p.Timestamp, p.Step, p.Run, p.Dataset, p.Digest})
	}
	return j
}

func (j modelJSON) record() ModelRecord {
	m := ModelRecord{LoggedModel: j.LoggedModel, Artifacts: j.Artifacts}
	m.Metrics = nil
	for _, p := range j.Metrics {
		m.Metrics = append(m.Metrics, ModelMetric{
			Metric: Metric{Key: p.Key, Value: float64(p.Value), Timestamp: p.Timestamp, Step: p.Step, Model: m.ID, Dataset: p.Dataset, Digest: p.Digest},
			Run:    p.Run,
		})
	}
	return m
}

// Curve is the points of one series in the order of Reader.History.
type Curve struct {
	Key    string  `json:"key"`
	Times  []int64 `json:"timestamps"`
	Steps  []int64 `json:"steps"`
	Values []Value `json:"values"`
}

// recordJSON puts the curves in the place of the run's summaries.
type recordJSON struct {
	Format int `json:"mlops_run"`
	Run
	Metrics []Curve `json:"metrics"`
	Edited  int64   `json:"edited,omitempty"`

	Models      []modelJSON  `json:"logged_models,omitempty"`
	Corrections []Correction `json:"corrections,omitempty"`
}

// Encode writes the record as canonical JSON on one line.
func (r Record) Encode() ([]byte, error) {
	j := recordJSON{Format: recordFormat, Run: r.Run, Metrics: r.Points, Edited: r.Edited, Corrections: r.Corrections}
	j.Deleted = false
	if j.Metrics == nil {
		j.Metrics = []Curve{}
	}
	for _, m := range r.Models {
		j.Models = append(j.Models, m.json())
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(j); err != nil {
		return nil, errs.New(errs.Internal, "encode run %s: %w", r.Run.ID, err)
	}
	return out.Bytes(), nil
}

// DecodeRecord is the inverse of Encode. It refuses records of a newer format
// and those that no service would have let in.
func DecodeRecord(data []byte) (Record, error) {
	var j recordJSON
	if err := json.Unmarshal(data, &j); err != nil {
		return Record{}, errs.New(errs.Corrupt, "read run record: %w", err)
	}
	if j.Format != recordFormat {
		return Record{}, errs.New(errs.Usage, "run record of format %d, this program knows %d", j.Format, recordFormat).
			Hint("use the newer mlops that wrote it")
	}
	r := Record{Run: j.Run, Points: j.Metrics, Edited: j.Edited, Corrections: j.Corrections}
	r.Run.Metrics = nil
	for _, m := range j.Models {
		r.Models = append(r.Models, m.record())
	}
	return r, r.check()
}

func (r Record) check() error {
	run := r.Run
	if err := CheckID(run.ID); err != nil {
		return err
	}
	if err := CheckName("run", run.Name, MaxName); err != nil {
		return err
	}
	if err := CheckName("experiment", run.Experiment, MaxExperiment); err != nil {
		return err
	}
	if !run.Status.Over() {
		return errs.New(errs.Corrupt, "record of run %s, which is %q", run.ID, run.Status)
	}
	for _, c := range r.Points {
		if err := CheckKey("metric", c.Key); err != nil {
			return err
		}
		if len(c.Times) != len(c.Steps) || len(c.Times) != len(c.Values) || len(c.Times) == 0 {
			return errs.New(errs.Corrupt, "record of run %s: metric %q has %d times, %d steps and %d values",
				run.ID, c.Key, len(c.Times), len(c.Steps), len(c.Values))
		}
	}
	for _, c := range r.Corrections {
		if c.Entity != Params && c.Entity != Metrics || CheckKey(string(c.Entity), c.Key) != nil {
			return errs.New(errs.Corrupt, "record of run %s: a correction of %s %q", run.ID, c.Entity, c.Key)
		}
	}
	for _, m := range r.Models {
		if !IsModelID(m.ID) || m.Run != run.ID {
			return errs.New(errs.Corrupt, "record of run %s has the logged model %q of run %q", run.ID, m.ID, m.Run)
		}
		if err := (Batch{Params: m.Params, Tags: m.Tags}).Check(); err != nil {
			return err
		}
	}
	return Batch{Params: run.Params, Tags: run.Tags, Assets: run.Assets, Stages: run.Stages}.Check()
}
