package webhook

import (
	"encoding/json"
	"fmt"

	"github.com/mlops-cli/mlops/pkg/registry"
)

// payload is an event of the registry in MLflow's words; ok is false for those
// that MLflow has no words for.
func payload(r record) (e Event, data map[string]any, ok bool, err error) {
	var known map[string]any
	if r.data != "" {
		if err := json.Unmarshal([]byte(r.data), &known); err != nil {
			return e, nil, false, fmt.Errorf("event %d: %w", r.seq, err)
		}
	}
	data = map[string]any{"name": r.model}
	take := func(keys ...string) {
		for _, key := range keys {
			value := known[key]
			if key == "version" && value != nil {
				value = fmt.Sprint(value)
			}
			if value == "" {
				value = nil // Python's None
			}
			data[key] = value
		}
	}
	switch r.kind {
	case registry.ModelCreated:
		e = Event{"registered_model", "created"}
		take("tags", "description")
	case registry.VersionCreated:
		e = Event{"model_version", "created"}
		take("version", "source", "run_id", "tags", "description")
	case registry.VersionTagged:
		e = Event{"model_version_tag", "set"}
		take("version", "key", "value")
	case registry.VersionUntagged:
		e = Event{"model_version_tag", "deleted"}
		take("version", "key")
	case registry.AliasSet, registry.AliasPromoted:
		e = Event{"model_version_alias", "created"}
		take("alias", "version")
	case registry.AliasDeleted:
		e = Event{"model_version_alias", "deleted"}
		take("alias")
	default:
		return e, nil, false, nil
	}
	return e, data, true, nil
}

// example is what a test of a hook sends.
func example(e Event) map[string]any {
	data := map[string]any{"name": "example_model"}
	switch e.Entity {
	case "registered_model", "prompt":
		data["tags"], data["description"] = map[string]string{"example_key": "example_value"}, "An example"
		return data
	case "model_version", "prompt_version":
		data["version"], data["source"], data["run_id"] = "1", "models:/123", "abcd1234abcd5678"
		data["tags"], data["description"] = map[string]string{"example_key": "example_value"}, "An example"
		return data
	case "model_version_alias", "prompt_alias":
		data["alias"] = "example_alias"
		if e.Action == "created" {
			data["version"] = "1"
		}
		return data
	case "model_version_tag", "prompt_version_tag":
		data["version"] = "1"
	}
	data["key"] = "example_key"
	if e.Action == "set" {
		data["value"] = "example_value"
	}
	return data
}
