package stagefile

import (
	"bytes"
	"encoding/json"
	"maps"
)

// JSONSchema returns the JSON schema (draft 7, which editors know) of
// mlops.yaml, made from the tables that Load checks files by.
func JSONSchema() ([]byte, error) {
	schema := jsonObject(fileEntries())
	schema["$schema"] = "http://json-schema.org/draft-07/schema#"
	schema["title"] = "mlops.yaml"
	schema["description"] = "A pipeline of mlops. A dvc.yaml is one too."
	stage := jsonObject(stageEntries(false), "cmd")
	schema["definitions"] = map[string]any{
		"stage": stage,
		"foreach": jsonObject([]entry{
			{name: "foreach", doc: "A list or a mapping, or ${} that names one: a stage for each ${item}, with ${key} in a mapping.", json: jsonType("array", "object", "string")},
			{name: "do", doc: "The stage that is repeated.", json: jsonRef("stage")},
		}, "foreach", "do"),
		"map": jsonObject([]entry{
			{name: "map", doc: "A JSON or YAML file with a list, which may be the output of a stage: a stage for each ${item} of it.", json: jsonText()},
			{name: "do", doc: "The stage that is repeated.", json: jsonRef("stage")},
		}, "map", "do"),
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(schema)
	return b.Bytes(), err
}

// jsonObject is the schema of a mapping with these keys and no others.
func jsonObject(entries []entry, required ...string) map[string]any {
	properties := map[string]any{}
	for _, e := range entries {
		p := map[string]any{}
		if e.doc != "" {
			p["description"] = e.doc
		}
		switch schema := e.json.(type) {
		case nil:
		case map[string]any:
			if schema["$ref"] != nil { // draft 7 looks at nothing beside $ref
				p["allOf"] = []any{schema}
				break
			}
			maps.Copy(p, schema)
		}
		properties[e.name] = p
	}
	out := map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		out["required"] = required
	}
	return out
}

func jsonType(names ...string) map[string]any {
	if len(names) == 1 {
		return map[string]any{"type": names[0]}
	}
	return map[string]any{"type": names}
}

func jsonText() map[string]any { return jsonType("string") }

func jsonList(of any) map[string]any { return map[string]any{"type": "array", "items": of} }

func jsonAny(of ...any) map[string]any { return map[string]any{"anyOf": of} }

func jsonRef(name string) map[string]any { return map[string]any{"$ref": "#/definitions/" + name} }

// jsonTemplate is a text that holds ${}.
func jsonTemplate() map[string]any { return map[string]any{"type": "string", "pattern": `\$\{`} }

func jsonCount() map[string]any {
	return jsonAny(map[string]any{"type": "integer", "minimum": 0}, jsonTemplate())
}

func jsonSlots() map[string]any {
	return jsonAny(map[string]any{"type": "object", "additionalProperties": jsonCount()}, jsonTemplate())
}

func jsonVars() map[string]any { return jsonList(jsonType("string", "object")) }

func jsonOuts(plot bool) map[string]any {
	return jsonList(jsonAny(jsonText(), map[string]any{"type": "object", "additionalProperties": jsonObject(outEntries(plot))}))
}

func jsonParams() map[string]any {
	keys := map[string]any{"type": []string{"array", "null"}, "items": jsonType("string", "number", "boolean")}
	return jsonList(jsonAny(jsonText(), map[string]any{"type": "object", "additionalProperties": keys}))
}

func jsonPlots() map[string]any {
	columns := jsonAny(jsonText(), jsonList(jsonText()))
	axes := jsonObject([]entry{
		{name: "x", doc: "The column of the x axis, or one for each file.", json: jsonAny(jsonText(), map[string]any{"type": "object", "additionalProperties": jsonText()})},
		{name: "y", doc: "The columns of the y axis, or some for each file.", json: jsonAny(jsonText(), jsonList(jsonText()), map[string]any{"type": "object", "additionalProperties": columns})},
		textEntry("x_label", "The text at the x axis."), textEntry("y_label", "The text at the y axis."),
		textEntry("title", "The title."), textEntry("template", "The template: linear, scatter, confusion and so on, or a file."),
	})
	return jsonList(jsonAny(jsonText(), map[string]any{"type": "object", "minProperties": 1, "additionalProperties": jsonAny(axes, jsonType("null"))}))
}
