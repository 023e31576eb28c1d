package track

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
)

// FilterError says what is wrong with a filter or an order: in this program's
// words, with hints, and in MLflow's, which its clients look for.
type FilterError struct {
	MLflow string
	err    *errs.Error
}

// Error is this program's words.
func (e *FilterError) Error() string { return e.err.Error() }

// Unwrap returns the error with its kind, errs.Usage, and its hints.
func (e *FilterError) Unwrap() error { return e.err }

func filterError(err *errs.Error, mlflow string, args ...any) *FilterError {
	return &FilterError{MLflow: fmt.Sprintf(mlflow, args...), err: err}
}

// mlflowName is what MLflow calls an entity in messages.
func (l Language) mlflowName(e Entity) string {
	for _, known := range l.entities {
		if known.Entity == e {
			return known.words[0]
		}
	}
	return string(e)
}

func (l Language) unknownEntity(err *errs.Error, word string) error {
	var names []string
	for _, e := range l.entities {
		names = append(names, e.words[0])
	}
	switch l.dialect {
	case ofRuns:
		return filterError(err, "Invalid entity type '%s'. Valid values are %s", word, PythonList(names))
	case ofModels:
		return filterError(err, "Invalid entity type: '%s'. Expected one of ['attributes', 'metrics', 'params', 'tags'].", word)
	default:
		return filterError(err, "Invalid entity type '%s'. Valid entity types are ('attribute', 'tag', 'tags')", word)
	}
}

func (l Language) unknownAttribute(err *errs.Error, key string, order bool) error {
	names := l.attributeNames(order, false)
	switch {
	case l.dialect == ofRegistry && order:
		return filterError(err, "Invalid order by key '%s' specified. Valid keys are '{'name', 'timestamp'}'", key)
	case l.dialect == ofModels && order:
		return filterError(err, "Invalid order by field name: %s", key)
	case l.dialect == ofRuns:
		names = append(names, "created", "Created")
		if !order {
			names = append(names, "run name", "Run name", "Run Name")
		}
	}
	return filterError(err, "Invalid attribute key '%s' specified. Valid keys are '%s'", key, pythonSet(names))
}

// badClauses words that there are words which belong to no comparison.
func (l Language) badClauses(err *errs.Error, words ...string) error {
	if l.dialect == ofRuns {
		for i, w := range words {
			words[i] = "'" + w + "'"
		}
	}
	return filterError(err, "Invalid clause(s) in filter string: %s", strings.Join(words, ", "))
}

func (l Language) badComparator(err *errs.Error, c Condition, allowed []Op) error {
	words := make([]string, len(allowed))
	for i, op := range allowed {
		words[i] = string(op)
	}
	switch {
	case c.Op == IsNull || c.Op == NotNull:
		return l.badNull(err, c)
	case l.dialect == ofRegistry || l.dialect == ofVersions || l.dialect == ofExperiments && c.Entity == Tags:
		name := l.mlflowName(c.Entity)
		if slices.Contains(words, "<") {
			name += " " + c.Key
		}
		return filterError(err, "Invalid comparator for %s: %s", name, c.Op)
	case l.dialect == ofModels:
		if slices.Contains(words, "<") {
			words = []string{"<", "<=", ">", ">=", "=", "!="}
		}
		return filterError(err, "Invalid comparison operator for %s.%s: '%s'. Expected one of ('%s').", c.Entity, c.Key, c.Op, strings.Join(words, "', '"))
	}
	if c.Entity == Attributes && !slices.Contains(words, "IN") && slices.Contains(words, "LIKE") {
		words = append(words, "IN", "NOT IN")
	}
	end := "'"
	if l.dialect == ofRuns && c.Entity != Params && c.Entity != Attributes {
		end = "" // as MLflow has it
	}
	return filterError(err, "Invalid comparator '%s' not one of '%s%s", c.Op, pythonSet(words), end)
}

// badNull words that something cannot be compared with NULL.
func (l Language) badNull(err *errs.Error, c Condition) error {
	switch {
	case l.dialect == ofModels:
		return filterError(err, "Invalid comparison: %s.%s%s. Expected a comparison with 3 tokens.", c.Entity, c.Key, c.Op)
	case c.Entity == Tags:
		return filterError(err, "IS NULL / IS NOT NULL is only supported for tags of runs and experiments, not for tag '%s' of %s", c.Key, l.things)
	case l.dialect == ofRuns:
		return filterError(err, "IS NULL / IS NOT NULL is only supported for tags and params, not for '%s' '%s'", l.mlflowName(c.Entity), c.Key)
	}
	return filterError(err, "IS NULL / IS NOT NULL is only supported for tags, not for attribute '%s'", c.Key)
}

// badValue words that something else stands where a value of a kind is due.
func (l Language) badValue(err *errs.Error, c Condition, numeric bool, found string) error {
	switch {
	case numeric && c.Entity == Metrics:
		return filterError(err, "Expected numeric value type for metric. Found %s", found)
	case numeric:
		return filterError(err, "Expected numeric value type for numeric attribute: %s. Found %s", c.Key, found)
	case c.Entity == Datasets:
		return filterError(err, "Expected a quoted string value for dataset attributes. Got value %s", found)
	case c.Entity == Attributes && (l.dialect == ofRegistry || l.dialect == ofVersions):
		return filterError(err, "Expected a quoted string value or a list of quoted string values for attributes. Got value %s", found)
	case c.Entity == Attributes:
		return filterError(err, "Expected a quoted string value for attributes. Got value %s", found)
	}
	return filterError(err, "Expected a quoted string value for %s (e.g. 'my-value'). Got value %s", l.mlflowName(c.Entity), found)
}

func (l Language) noList(err *errs.Error) error {
	var keys []string
	for _, a := range l.attributes {
		if a.list {
			keys = append(keys, a.name)
		}
	}
	if len(keys) == 0 {
		keys = []string{"run_id"}
	}
	return filterError(err, "Only %s attributes support comparison with a list of quoted string values.", PythonList(keys))
}

// PythonList writes texts as Python prints a list of them, which is how
// MLflow's messages quote lists.
func PythonList(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = pythonText(w)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

func pythonSet(words []string) string { return "{'" + strings.Join(words, "', '") + "'}" }

// pythonText quotes a text as Python does.
func pythonText(s string) string {
	quote := "'"
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		quote = `"`
	}
	return quote + strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\t", `\t`, "\r", `\r`, quote, `\`+quote).Replace(s) + quote
}
