package paramfile

import (
	"path"
	"strings"
	"unicode/utf8"

	"github.com/mlops-cli/mlops/pkg/errs"
)

// Parse decodes the bytes of the parameter file name, whose extension says the
// format: .json, .toml, .py, anything else is YAML. An empty file is an empty
// mapping. The error names the file and, where it can, the line.
func Parse(name string, data []byte) (any, error) {
	if !utf8.Valid(data) {
		return nil, errs.New(errs.Usage, "read parameters %s: not UTF-8 text", name)
	}
	var v any
	var err error
	switch strings.ToLower(path.Ext(name)) {
	case ".json":
		v, err = parseJSON(data)
	case ".toml":
		v, err = parseTOML(data)
	case ".py":
		v, err = parsePython(data)
	default:
		v, err = parseYAML(data)
	}
	if err != nil {
		return nil, errs.New(errs.Usage, "read parameters %s: %w", name, err)
	}
	if v == nil {
		return NewMap(), nil
	}
	return v, nil
}
