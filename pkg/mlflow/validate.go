package mlflow

import (
	"fmt"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/mlops-cli/mlops/pkg/track"
)

// MLflow's limits that bind requests only. Lengths count characters.
const (
	maxExperimentTag = 20000
	maxAlias         = 255
	maxRegistryTag   = 100_000
	maxDatasetName   = 500
	maxDatasetDigest = 36
	maxDatasetSource = 65535
	maxDatasetSchema = 1048575
	maxProfile       = 16777215
	maxInputTagKey   = 255
	maxInputTag      = 500
	maxModelParams   = 100
)

// quoted is a text as messages quote it.
func quoted(s string) string { return (&value{kind: text, text: s}).json() }

// checkKey says what is wrong with the key of a param, metric or tag. At names
// it in messages.
func checkKey(key, at string) error {
	if track.CheckKey("", key) == nil {
		return nil
	}
	for _, r := range key {
		if !strings.ContainsRune("_/.- :", r) && !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return Errorf(InvalidParameter, "Invalid value %s for parameter '%s' supplied: Names may only contain alphanumerics, "+
				"underscores (_), dashes (-), periods (.), spaces ( ), colon(:) and slashes (/).", quoted(key), at)
		}
	}
	if clean := path.Clean(key); clean != key || clean == "." || strings.HasPrefix(clean, "..") || clean[0] == '/' {
		return Errorf(InvalidParameter, "Invalid value %s for parameter '%s' supplied: Names may be treated as files in certain cases, "+
			"and must not resolve to other names when treated as such. This name would resolve to '%s'", quoted(key), at, clean)
	}
	return nil // it is too long, which has another message
}

// checkLength says that a text is too long.
func checkLength(what, s string, limit int) error {
	if len(s) > limit && utf8.RuneCountInString(s) > limit {
		return Errorf(InvalidParameter, "'%s' exceeds the maximum length of %d characters", what, limit)
	}
	return nil
}

// cut shortens what MLflow shortens in silence.
func cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for i := range s {
		if limit == 0 {
			return s[:i]
		}
		limit--
	}
	return s
}

// metric reads and checks one point. At is "" or such as metrics[3].
func (v *value) metric(at string) (track.Metric, error) {
	m := track.Metric{Key: v.str("key"), Model: v.str("model_id"), Dataset: v.str("dataset_name"), Digest: v.str("dataset_digest")}
	if (m.Dataset == "") != (m.Digest == "") {
		return m, Errorf(InvalidParameter, "Both dataset_name and dataset_digest must be provided if one is provided")
	}
	var ok bool
	if m.Value, ok = v.get("value").float(); !ok {
		return m, badType(dotted(at, "value"), v.get("value"))
	}
	if m.Timestamp, ok = v.get("timestamp").integer(); !ok {
		return m, badType(dotted(at, "timestamp"), v.get("timestamp"))
	}
	if step := v.get("step"); step != nil {
		if m.Step, ok = step.integer(); !ok {
			return m, badType(dotted(at, "step"), step)
		}
	}
	if err := checkKey(m.Key, dotted(at, "name")); err != nil {
		return m, err
	}
	if m.Timestamp < 0 {
		return m, Errorf(InvalidParameter, "Invalid value %d for parameter '%s' supplied: metric '%s' (value=%s). "+
			"Timestamp must be a nonnegative long (64-bit integer) ", m.Timestamp, dotted(at, "timestamp"), m.Key, pythonFloat(m.Value))
	}
	return m, checkLength("Metric name", m.Key, track.MaxKey)
}

func dotted(at, name string) string {
	if at == "" {
		return name
	}
	return at + "." + name
}

func pythonFloat(f float64) string {
	var e encoder
	e.float("", f)
	return strings.Trim(strings.TrimPrefix(string(e.buf), `"":`), `"`)
}

// param reads and checks one param.
func (v *value) param(at string) (track.Param, error) {
	p := track.Param{Key: v.str("key"), Value: cut(v.str("value"), track.MaxParam)}
	if err := checkKey(p.Key, dotted(at, "key")); err != nil {
		return p, err
	}
	return p, checkLength("Param key", p.Key, track.MaxKey)
}

// tag reads and checks one tag of a run.
func (v *value) tag(at string) (track.Tag, error) {
	t := track.Tag{Key: v.str("key"), Value: cut(v.str("value"), track.MaxTag)}
	if err := checkKey(t.Key, dotted(at, "key")); err != nil {
		return t, err
	}
	return t, checkLength(dotted(at, "key"), t.Key, track.MaxKey)
}

// longTag reads and checks a tag of something else: its value is not cut.
func (v *value) longTag(limit int) (track.Tag, error) {
	t := track.Tag{Key: v.str("key"), Value: v.str("value")}
	if err := checkKey(t.Key, "key"); err != nil {
		return t, err
	}
	if err := checkLength("key", t.Key, track.MaxKey); err != nil {
		return t, err
	}
	return t, checkLength("value", t.Value, limit)
}

// each reads the items of a list of objects.
func each[T any](items []value, name string, read func(v *value, at string) (T, error)) ([]T, error) {
	all := make([]T, 0, len(items))
	for i := range items {
		if items[i].kind != dict {
			return nil, badType(fmt.Sprintf("%s[%d]", name, i), &items[i])
		}
		item, err := read(&items[i], fmt.Sprintf("%s[%d]", name, i))
		if err != nil {
			return nil, err
		}
		all = append(all, item)
	}
	return all, nil
}

// checkRunID is for log-batch, the one request of which MLflow looks at the form of the id.
func checkRunID(id string) error {
	odd := func(r rune) bool { return r != '-' && r != '_' && !unicode.IsLetter(r) && !unicode.IsNumber(r) }
	if len(id) > 256 || strings.Trim(id[:1], "-_") == "" || strings.ContainsFunc(id, odd) {
		return Errorf(InvalidParameter, "Invalid value %q for parameter 'run_id' supplied.", id)
	}
	return nil
}

// checkExperimentID says that an id is no number, which those of experiments
// are.
func checkExperimentID(id string) error {
	if digits := strings.TrimPrefix(id, "-"); digits == "" || strings.Trim(digits, "0123456789") != "" {
		return Errorf(InvalidParameter, "Invalid experiment ID '%s'. Experiment ID must be a valid integer.", id)
	}
	return nil
}
