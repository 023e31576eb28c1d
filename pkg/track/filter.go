package track

import (
	"slices"
	"strings"
)

// Entity is the part of a run that a condition or an order looks at.
type Entity string

// The entities of MLflow's filter language.
const (
	Metrics    Entity = "metrics"
	Params     Entity = "params"
	Tags       Entity = "tags"
	Attributes Entity = "attributes"
	Datasets   Entity = "datasets" // assets: name is the path, digest the id in hex, context the role
)

// Op compares a value of a run with one of a condition.
type Op string

// The comparisons. Like has the wildcards % and _ and tells upper from lower
// case, ILike does not.
const (
	Equal        Op = "="
	NotEqual     Op = "!="
	Less         Op = "<"
	LessEqual    Op = "<="
	Greater      Op = ">"
	GreaterEqual Op = ">="
	Like         Op = "LIKE"
	ILike        Op = "ILIKE"
	In           Op = "IN"
	NotIn        Op = "NOT IN"
	IsNull       Op = "IS NULL" // it has no such value
	NotNull      Op = "IS NOT NULL"
)

// Condition holds of a run when the value that Entity and Key name is there and
// compares as Op says. A metric counts with its last value.
type Condition struct {
	Entity Entity
	Key    string
	Op     Op
	Number float64  // of metrics and of attributes that are times
	Text   string   // of all others
	List   []string // of In and NotIn
}

// Filter is conditions that all hold of a run.
type Filter []Condition

// Order sorts runs by one value; runs that do not have it come last.
type Order struct {
	Entity     Entity
	Key        string
	Descending bool
	Numbers    bool // texts that are numbers come first and as numbers, not as text
}

// attributes are the attributes of runs with their other names; of the times
// numeric is set.
type attribute struct {
	name    string
	other   []string
	numeric bool
}

func attributes() []attribute {
	return []attribute{
		{name: "run_id"},
		{name: "run_name", other: []string{"name", "run name", "Run name", "Run Name"}},
		{name: "user_id", other: []string{"user"}},
		{name: "status"},
		{name: "start_time", other: []string{"created", "Created"}, numeric: true},
		{name: "end_time", numeric: true},
		{name: "experiment"},
		{name: "kind"},
		{name: "parent"},
		{name: "source"},
		{name: "commit"},
		{name: "branch"},
		{name: "note"},
	}
}

func findAttribute(key string) (attribute, bool) {
	for _, a := range attributes() {
		if a.name == key || slices.Contains(a.other, key) {
			return a, true
		}
	}
	return attribute{}, false
}

func attributeNames() []string {
	var names []string
	for _, a := range attributes() {
		names = append(names, a.name)
	}
	return names
}

// parseEntity knows the singular and plural names that MLflow knows.
func parseEntity(word string) (Entity, bool) {
	switch strings.ToLower(word) {
	case "metric", "metrics":
		return Metrics, true
	case "param", "params", "parameter", "parameters":
		return Params, true
	case "tag", "tags":
		return Tags, true
	case "attribute", "attributes", "attr", "run":
		return Attributes, true
	case "dataset", "datasets":
		return Datasets, true
	}
	return "", false
}
