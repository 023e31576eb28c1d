package track

// Entity is the part of a thing that a condition or an order looks at.
type Entity string

// The entities of MLflow's filter language.
const (
	Metrics    Entity = "metrics"
	Params     Entity = "params"
	Tags       Entity = "tags"
	Attributes Entity = "attributes"
	Datasets   Entity = "datasets" // name, digest and context
)

// Op compares a value of a thing with one of a condition.
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

// Condition holds of a thing when the value that Entity and Key name is there
// and compares as Op says. A metric counts with its last value.
type Condition struct {
	Entity Entity
	Key    string
	Op     Op
	Number float64  // of metrics and of attributes that are numbers
	Text   string   // of all others
	List   []string // of In and NotIn
}

// Filter is conditions that all hold of a thing.
type Filter []Condition

// Among is the condition that an attribute is one of some values, or none of them.
func Among(attribute string, values []string, none bool) Condition {
	c := Condition{Entity: Attributes, Key: attribute, Op: In, List: values}
	if none {
		c.Op = NotIn
	}
	return c
}

// Order sorts things by one value; those that do not have it come last.
type Order struct {
	Entity     Entity
	Key        string
	Descending bool
	Numbers    bool // texts that are numbers come first and as numbers, not as text
}

// ParseFilter reads a filter of runs.
func ParseFilter(text string) (Filter, error) { return RunLanguage().Filter(text) }

// ParseOrder reads an order of runs.
func ParseOrder(text string) (Order, error) { return RunLanguage().Order(text) }
