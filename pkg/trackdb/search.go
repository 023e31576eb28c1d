package trackdb

import (
	"context"
	"strconv"
	"strings"

	"github.com/mlops-cli/mlops/pkg/track"
)

// listing is the parts of a query for runs: SELECT … FROM runs r, experiments
// e, joins; WHERE; ORDER BY. Each has its arguments.
type listing struct {
	few func(rows string, args []any) bool // are there few rows like that

	joins, where, order []string
	joinArgs, whereArgs []any
}

func newListing(q track.Query, few func(rows string, args []any) bool) *listing {
	l := &listing{few: few}
	if q.IDs != nil {
		l.among("r.id", "IN", q.IDs)
	}
	if q.Experiment != "" {
		l.must("r.experiment = (SELECT id FROM experiments WHERE name = ?)", q.Experiment)
	}
	if len(q.Statuses) > 0 {
		words := make([]string, len(q.Statuses))
		for i, status := range q.Statuses {
			words[i] = string(status)
		}
		l.among("r.status", "IN", words)
	}
	if q.Parent != "" {
		l.must("r.parent = ?", q.Parent)
	}
	if q.Top {
		l.must("(r.parent = '' OR NOT EXISTS (SELECT 1 FROM runs p WHERE p.id = r.parent AND p.deleted = 0))")
	}
	switch {
	case q.Removed:
		l.must("r.deleted > 0")
	case !q.Deleted:
		l.must("r.deleted = 0")
	}
	for _, c := range q.Filter {
		l.condition(c)
	}
	for i, o := range q.Order {
		l.by(i, o)
	}
	l.order = append(l.order, "r.start_time DESC", "r.id")
	return l
}

// fewRows is up to how many rows are looked up before their runs.
const fewRows = 2000

// listing is the query for what q asks.
func (s *Service) listing(ctx context.Context, q track.Query) *listing {
	return newListing(q, func(rows string, args []any) bool {
		if q.Limit == 0 {
			return true
		}
		var count int
		err := s.db.QueryRowContext(ctx, "SELECT count(*) FROM (SELECT 1 FROM "+rows+" LIMIT "+strconv.Itoa(fewRows+1)+")", args...).Scan(&count)
		return err == nil && count <= fewRows
	})
}

// query is the whole text for some columns.
func (l *listing) query(columns string, q track.Query) (text string, args []any) {
	text = "SELECT " + columns + " FROM runs r CROSS JOIN experiments e ON e.id = r.experiment" + strings.Join(l.joins, "")
	if len(l.where) > 0 {
		text += " WHERE " + strings.Join(l.where, " AND ")
	}
	text += " ORDER BY " + strings.Join(l.order, ", ")
	if q.Limit > 0 || q.Offset > 0 {
		limit := -1
		if q.Limit > 0 {
			limit = q.Limit
		}
		text += " LIMIT " + strconv.Itoa(limit) + " OFFSET " + strconv.Itoa(q.Offset)
	}
	return text, append(l.joinArgs, l.whereArgs...)
}

func (l *listing) must(condition string, args ...any) {
	l.where, l.whereArgs = append(l.where, condition), append(l.whereArgs, args...)
}

func (l *listing) among(column, op string, words []string) {
	args := make([]any, len(words))
	for i, w := range words {
		args[i] = w
	}
	l.must(column+" "+op+" ("+marks(len(words))+")", args...)
}

// condition adds one condition of a filter.
func (l *listing) condition(c track.Condition) {
	test, args := textTest("value", c)
	switch c.Entity {
	case track.Metrics:
		test, args = "value "+string(c.Op)+" ?", []any{number(c.Number)}
		if c.Op != track.NotEqual {
			test = "typeof(value) <> 'text' AND " + test // NaN is a text, which sorts after numbers
		}
		l.has("series WHERE key = ? AND "+test, append([]any{c.Key}, args...))
	case track.Params:
		l.has("params WHERE key = ? AND "+test, append([]any{c.Key}, args...))
	case track.Tags:
		l.has("tags WHERE key = ? AND deleted = 0 AND "+test, append([]any{c.Key}, args...))
	case track.Datasets:
		column := map[string]string{"name": "path", "digest": "lower(hex(id))", "context": "role"}[c.Key]
		test, args = textTest(column, c)
		l.has("assets WHERE "+test, args)
	case track.Attributes:
		column, numeric := attributeColumn(c.Key)
		if numeric {
			l.must(column+" "+string(c.Op)+" ?", c.Number)
			return
		}
		test, args = textTest(column, c)
		l.must(test, args...)
	}
}

// has asks for a row of a table. Where few rows are like that they are found
// first, and then their runs; where many are, each run is asked in its turn,
// which ends when a page is full.
func (l *listing) has(rows string, args []any) {
	if l.few(rows, args) {
		l.must("r.seq IN (SELECT run FROM "+rows+")", args...)
		return
	}
	l.must("EXISTS (SELECT 1 FROM "+rows+" AND run = r.seq)", args...)
}

// textTest compares a column that is text. LIKE of SQLite does not tell upper
// from lower case, GLOB does.
func textTest(column string, c track.Condition) (test string, args []any) {
	switch c.Op {
	case track.In, track.NotIn:
		args = make([]any, len(c.List))
		for i, w := range c.List {
			args[i] = w
		}
		return column + " " + string(c.Op) + " (" + marks(len(args)) + ")", args
	case track.Like:
		glob := strings.NewReplacer("*", "[*]", "?", "[?]", "[", "[[]", "%", "*", "_", "?").Replace(c.Text)
		return column + " GLOB ?", []any{glob}
	case track.ILike:
		return column + " LIKE ?", []any{c.Text}
	default:
		return column + " " + string(c.Op) + " ?", []any{c.Text}
	}
}

func attributeColumn(key string) (column string, numeric bool) {
	switch key {
	case "run_id":
		return "r.id", false
	case "run_name":
		return "r.name", false
	case "user_id":
		return "r.user", false
	case "start_time", "end_time":
		return "r." + key, true
	case "experiment":
		return "e.name", false
	case "commit", "branch":
		return "r.git_" + key, false
	default: // status, kind, parent, source, note
		return "r." + key, false
	}
}

// by adds one order. What a run does not have comes last, whatever the
// direction; NaN comes after the numbers.
func (l *listing) by(i int, o track.Order) {
	direction := ""
	if o.Descending {
		direction = " DESC"
	}
	table := "o" + strconv.Itoa(i)
	join := func(from, more string) {
		l.joins = append(l.joins, " LEFT JOIN "+from+" "+table+" ON "+table+".run = r.seq AND "+table+".key = ?"+more)
		l.joinArgs = append(l.joinArgs, o.Key)
	}
	value := table + ".value"
	switch o.Entity {
	case track.Metrics:
		join("series", "")
		l.order = append(l.order, value+" IS NULL", "typeof("+value+") = 'text'", value+direction)
	case track.Params, track.Tags:
		more := ""
		from := "params"
		if o.Entity == track.Tags {
			from, more = "tags", " AND "+table+".deleted = 0"
		}
		join(from, more)
		l.order = append(l.order, value+" IS NULL")
		if o.Numbers {
			l.order = append(l.order, value+" NOT GLOB '[-+.0-9]*'", "CASE WHEN "+value+" GLOB '[-+.0-9]*' THEN CAST("+value+" AS REAL) END"+direction)
		}
		l.order = append(l.order, value+direction)
	case track.Attributes, track.Datasets:
		column, numeric := attributeColumn(o.Key)
		if numeric {
			column = "nullif(" + column + ", 0)"
		}
		l.order = append(l.order, column+" IS NULL", column+direction)
	}
}
