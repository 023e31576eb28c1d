package dvc

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/mlops-cli/mlops/pkg/paramfile"
)

// RunCacheDir is the directory of the run cache, below a cache or remote.
const RunCacheDir = "runs"

// RunCacheKey is the path of the entry of a stage in the run cache. Its
// directory is named by what goes into the stage and the paths of its outs.
func (s Stage) RunCacheKey() string {
	key := digest(s.asMap(func(o Out) any { return o.Path }))
	value := digest(s.asMap(outMap))
	return RunCacheDir + "/" + key[:2] + "/" + key + "/" + value
}

// RunCacheEntry is the text of the entry.
func (s Stage) RunCacheEntry() ([]byte, error) {
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	e.CompactSeqIndent()
	if err := e.Encode(s.node()); err != nil {
		return nil, fmt.Errorf("entry of the run cache: %w", err)
	}
	return b.Bytes(), e.Close()
}

// asMap is the entry of the stage as Python decodes it; how outs look is the
// caller's.
func (s Stage) asMap(out func(Out) any) map[string]any {
	m := map[string]any{"cmd": strings.Join(s.Cmd, "\n")}
	if s.IsList {
		list := make([]any, len(s.Cmd))
		for i, c := range s.Cmd {
			list[i] = c
		}
		m["cmd"] = list
	}
	each := func(outs []Out, of func(Out) any) []any {
		sorted := slices.Clone(outs)
		slices.SortFunc(sorted, func(a, b Out) int { return compare(a.Path, b.Path) })
		list := make([]any, len(sorted))
		for i, o := range sorted {
			list[i] = of(o)
		}
		return list
	}
	if len(s.Deps) > 0 {
		m["deps"] = each(s.Deps, outMap)
	}
	if len(s.Params) > 0 {
		params := map[string]any{}
		for file, values := range s.Params {
			params[file] = values
		}
		m["params"] = params
	}
	m["outs"] = each(s.Outs, out)
	return m
}

func outMap(o Out) any {
	m := map[string]any{"path": o.Path, "md5": o.Sum.Hex}
	if o.Sum.Algorithm == MD5 {
		m["hash"] = MD5
	}
	if o.Exec {
		m["isexec"] = true
	}
	return m
}

func digest(v any) string {
	sum := sha256.Sum256(appendJSON(nil, v))
	return hex.EncodeToString(sum[:])
}

// appendJSON writes a value as Python's json.dumps does with sorted keys. Keys
// called size and nfiles are left out wherever they stand, as DVC does.
func appendJSON(b []byte, v any) []byte {
	switch x := v.(type) {
	case map[string]any:
		keys := make([]string, 0, len(x))
		for key := range x {
			keys = append(keys, key)
		}
		return appendObject(b, keys, func(key string) any { return x[key] })
	case *paramfile.Map:
		return appendObject(b, slices.Clone(x.Keys()), func(key string) any { item, _ := x.Get(key); return item })
	case []any:
		b = append(b, '[')
		for i, item := range x {
			if i > 0 {
				b = append(b, ", "...)
			}
			b = appendJSON(b, item)
		}
		return append(b, ']')
	case string:
		return appendString(b, x)
	case nil:
		return append(b, "null"...)
	case float64:
		text := paramfile.Text(x)
		switch text {
		case "nan":
			text = "NaN"
		case "inf", "-inf":
			text = strings.TrimSuffix(text, "inf") + "Infinity"
		}
		return append(b, text...)
	default: // whole numbers and booleans
		return append(b, paramfile.Text(v)...)
	}
}

func appendObject(b []byte, keys []string, at func(key string) any) []byte {
	slices.SortFunc(keys, compare)
	b = append(b, '{')
	first := true
	for _, key := range keys {
		if key == "size" || key == "nfiles" {
			continue
		}
		if !first {
			b = append(b, ", "...)
		}
		first = false
		b = append(appendString(b, key), ": "...)
		b = appendJSON(b, at(key))
	}
	return append(b, '}')
}
