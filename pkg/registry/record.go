package registry

import (
	"bytes"
	"encoding/json"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/track"
)

// recordFormat is the version of the bytes of records.
const recordFormat = 1

// Text is a text with the time of its last change.
type Text struct {
	Value string `json:"value"`
	Time  int64  `json:"time"` // ms; 0: never set
}

// RecordTag is a tag with the time of its last change.
type RecordTag struct {
	Key     string `json:"key"`
	Value   string `json:"value"`
	Time    int64  `json:"time"`
	Removed bool   `json:"removed,omitempty"`
}

// RecordAlias is an alias with the time of its last change. It names its version
// by id.
type RecordAlias struct {
	Name    string `json:"alias"`
	Version string `json:"version"`
	By      string `json:"by,omitempty"`
	Time    int64  `json:"time"`
	Removed bool   `json:"removed,omitempty"`
}

// ModelRecord is a model without its versions.
type ModelRecord struct {
	Format      int           `json:"mlops_model"`
	Name        string        `json:"name"`
	Created     int64         `json:"creation_time"`
	Deleted     int64         `json:"deleted,omitempty"` // what was there at that time is gone
	Floor       int           `json:"floor,omitempty"`   // numbers up to this are used
	Description Text          `json:"description"`
	Tags        []RecordTag   `json:"tags"`    // by key
	Aliases     []RecordAlias `json:"aliases"` // by name
}

// VersionRecord is a version with all that is known of it.
type VersionRecord struct {
	Format      int         `json:"mlops_model_version"`
	Model       string      `json:"name"`
	Number      int         `json:"version"`
	Placed      int64       `json:"placed"` // ms, when it got this model and number
	ID          string      `json:"id"`
	Created     int64       `json:"creation_time"`
	Deleted     int64       `json:"deleted,omitempty"`
	User        string      `json:"user,omitempty"`
	Stage       Text        `json:"stage"`
	Status      Status      `json:"status"`
	StatusText  string      `json:"status_message,omitempty"`
	Source      string      `json:"source,omitempty"`
	Storage     string      `json:"storage_location,omitempty"`
	RunID       string      `json:"run_id,omitempty"`
	RunLink     string      `json:"run_link,omitempty"`
	LoggedModel string      `json:"model_id,omitempty"`
	Description Text        `json:"description"`
	Tags        []RecordTag `json:"tags"`      // by key
	Approvals   []Approval  `json:"approvals"` // by time, by and alias
	Details     Details     `json:"details"`
}

// Encode writes the record as canonical JSON on one line.
func (r ModelRecord) Encode() ([]byte, error) {
	r.Format = recordFormat
	return encode(r, r.Name)
}

// Encode writes the record as canonical JSON on one line.
func (r VersionRecord) Encode() ([]byte, error) {
	r.Format = recordFormat
	return encode(r, r.Model)
}

func encode(v any, name string) ([]byte, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, errs.New(errs.Internal, "encode model %s: %w", name, err)
	}
	return out.Bytes(), nil
}

// DecodeRecord is the inverse of both Encodes: one of the two results is set. It
// refuses records of a newer format and those that no service would have let in.
func DecodeRecord(data []byte) (*ModelRecord, *VersionRecord, error) {
	var head struct {
		Model   int `json:"mlops_model"`
		Version int `json:"mlops_model_version"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return nil, nil, errs.New(errs.Corrupt, "read model record: %w", err)
	}
	if format := max(head.Model, head.Version); format != recordFormat {
		return nil, nil, errs.New(errs.Usage, "model record of format %d, this program knows %d", format, recordFormat).
			Hint("use the newer mlops that wrote it")
	}
	if head.Model > 0 {
		var m ModelRecord
		if err := json.Unmarshal(data, &m); err != nil {
			return nil, nil, errs.New(errs.Corrupt, "read model record: %w", err)
		}
		return &m, nil, m.check()
	}
	var v VersionRecord
	if err := json.Unmarshal(data, &v); err != nil {
		return nil, nil, errs.New(errs.Corrupt, "read record of a model version: %w", err)
	}
	return nil, &v, v.check()
}

func (r *ModelRecord) check() error {
	if err := CheckName(r.Name); err != nil {
		return errs.New(errs.Corrupt, "record of a model: %w", err)
	}
	for _, a := range r.Aliases {
		if err := CheckAlias(a.Name); err != nil {
			return errs.New(errs.Corrupt, "record of model %s: %w", r.Name, err)
		}
	}
	return checkRecordTags(r.Name, r.Tags)
}

func (r *VersionRecord) check() error {
	if err := CheckName(r.Model); err != nil {
		return errs.New(errs.Corrupt, "record of a model version: %w", err)
	}
	if err := track.CheckID(r.ID); err != nil {
		return errs.New(errs.Corrupt, "record of a version of model %s: %w", r.Model, err)
	}
	if r.Number < 1 {
		return errs.New(errs.Corrupt, "record of model %s has version %d", r.Model, r.Number)
	}
	if _, err := ParseStage(r.Stage.Value); err != nil {
		return errs.New(errs.Corrupt, "record of model %s: %w", r.Model, err)
	}
	return checkRecordTags(r.Model, r.Tags)
}

func checkRecordTags(name string, tags []RecordTag) error {
	for _, t := range tags {
		if err := CheckTag(t.Key, t.Value); err != nil {
			return errs.New(errs.Corrupt, "record of model %s: %w", name, err)
		}
	}
	return nil
}
