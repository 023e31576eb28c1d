package webhook

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"strings"

	"github.com/mlops-cli/mlops/pkg/registry"
)

// Tags by which MLflow's clients keep prompts as models. What they say is not
// told as tags.
const (
	promptTypeTag = "_mlflow_prompt_type"
	promptTextTag = "mlflow.prompt.text"
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
			if key == "tags" && value == nil {
				value = map[string]any{}
			}
			data[key] = value
		}
	}
	switch r.kind {
	case registry.ModelCreated:
		e = Event{"registered_model", "created"}
		take("tags", "description")
	case registry.ModelTagged:
		e = Event{"prompt_tag", "set"}
		take("key", "value")
	case registry.ModelUntagged:
		e = Event{"prompt_tag", "deleted"}
		take("key")
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
	tags, _ := data["tags"].(map[string]any)
	if r.prompt || tags[registry.PromptTag] == "true" {
		e, data = asPrompt(e, data, tags)
		return e, data, true, nil
	}
	return e, data, e.Entity != "prompt_tag", nil // there is no event of a model's tags
}

// asPrompt says an event of a model in the words for prompts.
func asPrompt(e Event, data, tags map[string]any) (Event, map[string]any) {
	e.Entity = promptWords().Replace(e.Entity)
	if tags == nil {
		return e, data
	}
	tags = maps.Clone(tags)
	data["tags"] = tags
	if e.Entity == "prompt_version" {
		data["template"] = tags[promptTextTag]
		delete(tags, promptTextTag)
		delete(data, "source")
		delete(data, "run_id")
	}
	delete(tags, registry.PromptTag)
	delete(tags, promptTypeTag)
	return e, data
}

func promptWords() *strings.Replacer {
	return strings.NewReplacer("registered_model", "prompt", "model_version_alias", "prompt_alias", "model_version", "prompt_version")
}

// inOrder is the JSON of a payload with its fields in MLflow's order: receivers
// may compare it as text.
func inOrder(data map[string]any) (json.RawMessage, error) {
	var out bytes.Buffer
	for _, key := range []string{"name", "alias", "version", "source", "run_id", "template", "key", "value", "tags", "description"} {
		value, ok := data[key]
		if !ok {
			continue
		}
		text, err := json.Marshal(value)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&out, ",%q:%s", key, text)
	}
	return append(append([]byte{'{'}, out.Bytes()[1:]...), '}'), nil // there is a name
}

// example is what a test of a hook sends.
func example(e Event) map[string]any {
	kind := "model"
	if strings.HasPrefix(e.Entity, "prompt") {
		kind = "prompt"
	}
	data := map[string]any{"name": "example_" + kind}
	describe := func(what string) {
		data["tags"], data["description"] = map[string]string{"example_key": "example_value"}, "An example "+what
	}
	switch e.Entity {
	case "registered_model":
		describe("registered model")
		return data
	case "prompt":
		describe("prompt")
		return data
	case "model_version":
		data["version"], data["source"], data["run_id"] = "1", "models:/123", "abcd1234abcd5678"
		describe("model version")
		return data
	case "prompt_version":
		data["version"], data["template"] = "1", "Hello {{name}}!"
		describe("prompt version")
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
