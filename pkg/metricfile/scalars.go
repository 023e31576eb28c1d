package metricfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"math"
	"path"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"go.yaml.in/yaml/v3"

	"github.com/mlops-cli/mlops/pkg/errs"
)

func readMetrics(f File) ([]Series, error) {
	var doc any
	var err error
	switch ext(f.Path) {
	case ".toml":
		err = toml.Unmarshal(f.Data, &doc)
	case ".yaml", ".yml":
		err = yaml.Unmarshal(f.Data, &doc)
	case ".csv", ".tsv":
		err = errors.New("it is a table of values, which belongs under plots")
	default:
		doc, err = parseJSON(f.Data)
	}
	if err != nil {
		return nil, errs.New(errs.Usage, "read metrics file %s: %w", f.Path, err).
			Hint("metrics files are JSON, YAML or TOML; name tables of values as plots")
	}
	var found []Series
	if v, ok := toNumber(doc); ok {
		return []Series{{stem(f.Path), []Point{{Value: v}}}}, nil
	}
	flatten("", doc, func(key string, v float64) {
		found = append(found, Series{key, []Point{{Value: v}}})
	})
	return found, nil
}

func ext(p string) string { return strings.ToLower(path.Ext(p)) }

func stem(p string) string { return strings.TrimSuffix(path.Base(p), path.Ext(p)) }

// flatten calls fn for every number in nested tables, in the order of keys.
func flatten(prefix string, node any, fn func(key string, v float64)) {
	table := toTable(node)
	for _, key := range slices.Sorted(maps.Keys(table)) {
		full := key
		if prefix != "" {
			full = prefix + "." + key
		}
		if v, ok := toNumber(table[key]); ok {
			fn(full, v)
			continue
		}
		flatten(full, table[key], fn)
	}
}

// toTable returns node as a table; nil when it is something else.
func toTable(node any) map[string]any {
	switch t := node.(type) {
	case map[string]any:
		return t
	case map[any]any: // YAML with keys that are not text
		table := make(map[string]any, len(t))
		for k, v := range t {
			if text, err := yaml.Marshal(k); err == nil {
				table[strings.TrimSpace(string(text))] = v
			}
		}
		return table
	default:
		return nil
	}
}

// toNumber reads numbers, and the words that stand for numbers JSON does not have.
func toNumber(node any) (float64, bool) {
	switch v := node.(type) {
	case float64:
		return v, true
	case int:
		return float64(v), true
	case int64:
		return float64(v), true
	case uint64:
		return float64(v), true
	case string:
		switch strings.ToLower(v) {
		case "nan":
			return math.NaN(), true
		case "inf", "+inf", "infinity", "+infinity":
			return math.Inf(1), true
		case "-inf", "-infinity":
			return math.Inf(-1), true
		}
	}
	return 0, false
}

// parseJSON reads JSON, also with the bare NaN and Infinity that Python writes.
func parseJSON(data []byte) (any, error) {
	data = bytes.TrimPrefix(data, []byte("\uFEFF"))
	var doc any
	err := json.Unmarshal(data, &doc)
	if err == nil {
		return doc, nil
	}
	quoted := quoteWords(data)
	if bytes.Equal(quoted, data) {
		return nil, err
	}
	return doc, json.Unmarshal(quoted, &doc)
}

// quoteWords makes text of NaN, Infinity and -Infinity outside text.
func quoteWords(data []byte) []byte {
	out := make([]byte, 0, len(data)+16)
	inText := false
	for i := 0; i < len(data); i++ {
		c := data[i]
		switch {
		case inText && c == '\\' && i+1 < len(data):
			out = append(out, c)
			i++
			c = data[i]
		case c == '"':
			inText = !inText
		case !inText:
			if word := wordAt(data[i:]); word != "" {
				out = append(out, '"')
				out = append(out, word...)
				out = append(out, '"')
				i += len(word) - 1
				continue
			}
		}
		out = append(out, c)
	}
	return out
}

func wordAt(data []byte) string {
	for _, word := range []string{"NaN", "-Infinity", "Infinity"} {
		if bytes.HasPrefix(data, []byte(word)) {
			return word
		}
	}
	return ""
}
