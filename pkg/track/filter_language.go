package track

import (
	"slices"
	"strings"
)

// Language is what filters and orders may say of one kind of thing. The
// language is MLflow's: comparisons joined by AND, such as metrics.loss < 0.2
// and params.lr = "0.1". Keys with other characters than letters, digits, '_',
// '-', '.' and '/' stand in backticks or double quotes.
type Language struct {
	things     string // for messages
	entities   []entity
	attributes []attribute
	nullable   []Entity // of which IS NULL may be asked
	dialect    dialect
}

// entity is an Entity with the words that mean it, MLflow's own name first.
type entity struct {
	Entity
	words []string
}

// attribute is a key of the entity Attributes with its other names.
type attribute struct {
	name      string
	other     []string
	numeric   bool
	list      bool // IN and NOT IN
	ours      bool // MLflow does not know it
	orderOnly bool
	where     bool // may not be ordered by
}

// dialect tells apart how MLflow words what is wrong.
type dialect int

const (
	ofRuns dialect = iota
	ofExperiments
	ofRegistry
	ofVersions
	ofModels
)

func entities(known ...Entity) []entity {
	words := map[Entity][]string{
		Metrics:    {"metric", "metrics"},
		Params:     {"parameter", "parameters", "param", "params"},
		Tags:       {"tag", "tags"},
		Attributes: {"attribute", "attributes", "attr", "run"},
		Datasets:   {"dataset", "datasets"},
	}
	all := make([]entity, len(known))
	for i, e := range known {
		all[i] = entity{e, words[e]}
	}
	return all
}

// RunLanguage is the language of runs.
func RunLanguage() Language {
	return Language{
		things:   "runs",
		entities: entities(Metrics, Params, Tags, Attributes, Datasets),
		nullable: []Entity{Tags, Params},
		attributes: []attribute{
			{name: "run_id", list: true},
			{name: "run_name", other: []string{"name", "run name", "Run name", "Run Name"}},
			{name: "user_id", other: []string{"user"}},
			{name: "status"},
			{name: "start_time", other: []string{"created", "Created"}, numeric: true},
			{name: "end_time", numeric: true},
			{name: "artifact_uri"},
			{name: "experiment", ours: true},
			{name: "kind", ours: true},
			{name: "parent", ours: true},
			{name: "source", ours: true},
			{name: "commit", ours: true},
			{name: "branch", ours: true},
			{name: "note", ours: true},
		},
	}
}

// ExperimentLanguage is the language of experiments.
func ExperimentLanguage() Language {
	return Language{
		things:   "experiments",
		entities: entities(Attributes, Tags),
		nullable: []Entity{Tags},
		attributes: []attribute{
			{name: "name"},
			{name: "experiment_id", list: true},
			{name: "creation_time", numeric: true},
			{name: "last_update_time", numeric: true},
		},
		dialect: ofExperiments,
	}
}

// RegisteredModelLanguage is the language of registered models.
func RegisteredModelLanguage() Language {
	return Language{
		things:   "models",
		entities: entities(Attributes, Tags),
		attributes: []attribute{
			{name: "name", list: true},
			{name: "last_updated_timestamp", other: []string{"timestamp"}, numeric: true, orderOnly: true},
		},
		dialect: ofRegistry,
	}
}

// VersionLanguage is the language of versions of registered models.
func VersionLanguage() Language {
	return Language{
		things:   "versions",
		entities: entities(Attributes, Tags),
		attributes: []attribute{
			{name: "name", list: true},
			{name: "version_number", numeric: true},
			{name: "run_id", list: true, where: true},
			{name: "source_path", where: true},
			{name: "creation_timestamp", numeric: true, orderOnly: true},
			{name: "last_updated_timestamp", numeric: true, orderOnly: true},
		},
		dialect: ofVersions,
	}
}

// LoggedModelLanguage is the language of logged models.
func LoggedModelLanguage() Language {
	return Language{
		things:   "logged models",
		entities: entities(Attributes, Metrics, Params, Tags),
		attributes: []attribute{
			{name: "name", list: true},
			{name: "model_id", list: true},
			{name: "model_type", list: true},
			{name: "status", list: true},
			{name: "source_run_id", list: true},
			{name: "experiment_id", list: true, ours: true},
			{name: "artifact_uri", list: true, ours: true},
			{name: "creation_timestamp", other: []string{"creation_time", "creation_timestamp_ms"}, numeric: true},
			{name: "last_updated_timestamp", other: []string{"last_updated_time", "last_updated_timestamp_ms"}, numeric: true},
		},
		dialect: ofModels,
	}
}

func (l Language) entity(word string) (Entity, bool) {
	for _, e := range l.entities {
		if slices.Contains(e.words, strings.ToLower(word)) {
			return e.Entity, true
		}
	}
	return "", false
}

// attribute finds an attribute by one of its names.
func (l Language) attribute(key string, order bool) (attribute, bool) {
	for _, a := range l.attributes {
		if (a.name == key || slices.Contains(a.other, key)) && (order && !a.where || !order && !a.orderOnly) {
			return a, true
		}
	}
	return attribute{}, false
}

// attributeNames are the names of attributes, MLflow's only or all.
func (l Language) attributeNames(order, ours bool) []string {
	var names []string
	for _, a := range l.attributes {
		if (ours || !a.ours) && (order && !a.where || !order && !a.orderOnly) {
			names = append(names, a.name)
		}
	}
	return names
}

// ops are the comparisons that a value has.
func (l Language) ops(e Entity, a attribute) []Op {
	text := []Op{Equal, NotEqual, Like, ILike}
	switch {
	case e == Metrics, e == Attributes && a.numeric:
		return []Op{Greater, GreaterEqual, NotEqual, Equal, Less, LessEqual}
	case e == Datasets, e == Attributes && a.list, l.dialect == ofModels:
		text = append(text, In, NotIn)
	}
	if slices.Contains(l.nullable, e) {
		text = append(text, IsNull, NotNull)
	}
	return text
}
