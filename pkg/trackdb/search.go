package trackdb

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/mlops-cli/mlops/pkg/db"
	"github.com/mlops-cli/mlops/pkg/track"
)

// listing is the parts of a query: joins, WHERE, ORDER BY. Each has its
// arguments.
type listing struct {
	dialect db.Dialect
	root    string // as track.Query has it
	few     few
	narrow  bool           // some condition holds for few runs: they are where to begin
	among   map[int64]bool // the runs for which all of those hold that were looked up; nil: none was

	before              string // what stands before runs in FROM, with its argument
	beforeArgs          []any
	joins, where, order []string
	joinArgs, whereArgs []any
}

// few looks up which runs have a row like that. It is not ok where they are many.
type few func(rows string, args []any) (runs []int64, ok bool)

func newListing(q track.Query, dialect db.Dialect, top condition, few few) *listing {
	l := &listing{dialect: dialect, root: q.Root, few: few}
	if q.IDs != nil {
		l.oneOf("r.id", q.IDs)
	}
	if q.Experiment != "" {
		l.must("r.experiment = (SELECT id FROM experiments WHERE name = ?)", q.Experiment)
	}
	if q.Experiments != nil {
		l.must("r.experiment IN (" + numbers(q.Experiments) + ")")
	}
	if len(q.Statuses) > 0 {
		words := make([]string, len(q.Statuses))
		for i, status := range q.Statuses {
			words[i] = string(status)
		}
		l.oneOf("r.status", words)
	}
	if q.Parent != "" {
		l.must("r.parent <> '' AND r.parent = ?", q.Parent) // the first half is for the index of children
	}
	if q.Top {
		l.must(top.text, top.args...)
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
	if l.among != nil {
		before, test, arg := dialect.Among("r.seq", slices.Sorted(maps.Keys(l.among)))
		l.before, l.beforeArgs = before, []any{arg}
		l.must(test)
	}
	for i, o := range q.Order {
		l.by(i, o)
	}
	l.order = append(l.order, "r.start_time DESC", "r.id")
	return l
}

// numbers are ids of experiments as SQL writes them; what is no number is none.
func numbers(ids []string) string {
	list := make([]string, 0, len(ids))
	for _, id := range ids {
		if n, err := strconv.ParseInt(id, 10, 64); err == nil {
			list = append(list, strconv.FormatInt(n, 10))
		}
	}
	if len(list) == 0 {
		return "NULL"
	}
	return strings.Join(list, ",")
}

// fewRows is up to how many rows are looked up before their runs.
const fewRows = 2000

// listing is the query for what q asks. For a page of SQLite the runs of each
// condition are looked up first where they are few, and only those that all
// conditions left are asked for more: of a run that is one row of a table three
// are elsewhere. PostgreSQL's planner has figures of its own.
func (s *Service) listing(ctx context.Context, q track.Query) *listing {
	top := s.top(ctx, q)
	if q.Limit == 0 || s.db.Dialect() == db.Postgres {
		return newListing(q, s.db.Dialect(), top, nil)
	}
	return newListing(q, s.db.Dialect(), top, func(rows string, args []any) (runs []int64, ok bool) {
		// One row of text: each row costs more to hand over than to find.
		var text string
		err := db.Each(ctx, s.db, []any{&text}, func() (err error) {
			runs, err = parseNumbers(text)
			return err
		}, "SELECT coalesce(group_concat(run), '') FROM (SELECT run FROM "+rows+" LIMIT "+strconv.Itoa(fewRows+1)+")", args...)
		return runs, err == nil && len(runs) <= fewRows
	})
}

// parseNumbers reads numbers with commas between.
func parseNumbers(text string) (list []int64, err error) {
	for word := range strings.SplitSeq(text, ",") {
		if word == "" {
			continue
		}
		n, err := strconv.ParseInt(word, 10, 64)
		if err != nil {
			return nil, err
		}
		list = append(list, n)
	}
	return list, nil
}

// query finds the numbers of runs.
func (l *listing) query(q track.Query) (text string, args []any) {
	return "SELECT r.seq FROM " + l.before + "runs r" + l.tail(q.Limit, q.Offset), l.args()
}

// byIndex is query for a page that is sorted by a key first, made so that an
// index of its values is where to begin: reading ends when the page is full. It
// has no runs without a value; where few runs are chosen otherwise it is not ok.
func (l *listing) byIndex(q track.Query) (text string, args []any, ok bool) {
	if q.Limit == 0 || len(q.Order) == 0 || q.Order[0].Numbers || q.IDs != nil || q.Parent != "" ||
		l.narrow && l.dialect == db.SQLite { // PostgreSQL decides itself where to begin
		return "", nil, false
	}
	table, more, forms := "series", "o0.value < "+nan, 3
	switch q.Order[0].Entity {
	case track.Metrics:
	case track.Params:
		table, more, forms = "params", "o0.value IS NOT NULL", 2
	case track.Tags:
		table, more, forms = "tags", "o0.deleted = 0", 2
	case track.Attributes, track.Datasets:
		return "", nil, false
	}
	led := &listing{
		dialect: l.dialect, joins: l.joins[1:], order: l.order[forms-1:],
		where: append([]string{"o0.key = ?", more}, l.where...),
	}
	// In SQLite CROSS keeps the values the outer loop.
	text = "SELECT r.seq FROM " + table + " o0 " + l.dialect.Only(db.SQLite, "CROSS ") + "JOIN runs r ON r.seq = o0.run" + led.tail(q.Limit, q.Offset)
	return text, slices.Concat(l.joinArgs[1:], l.joinArgs[:1], l.whereArgs), true
}

// tail is what follows FROM and its table.
func (l *listing) tail(limit, offset int) string {
	text := strings.Join(l.joins, "")
	if len(l.where) > 0 {
		text += " WHERE " + strings.Join(l.where, " AND ")
	}
	text += " ORDER BY " + strings.Join(l.order, ", ")
	switch {
	case limit > 0:
		text += " LIMIT " + strconv.Itoa(limit)
	case offset > 0:
		text += l.dialect.Only(db.SQLite, " LIMIT -1")
	}
	if offset > 0 {
		text += " OFFSET " + strconv.Itoa(offset)
	}
	return text
}

func (l *listing) args() []any {
	return slices.Concat(l.beforeArgs, l.joinArgs, l.whereArgs)
}

func (l *listing) must(condition string, args ...any) {
	l.where, l.whereArgs = append(l.where, condition), append(l.whereArgs, args...)
}

func (l *listing) oneOf(column string, words []string) {
	test, args := list(column, "IN", words)
	l.must(test, args...)
}

// list tests whether a column is one of some words.
func list(column, op string, words []string) (test string, args []any) {
	if len(words) == 0 {
		return column + " " + op + " (NULL)", nil
	}
	args = make([]any, len(words))
	for i, w := range words {
		args[i] = w
	}
	return column + " " + op + " (" + marks(len(words)) + ")", args
}

// condition adds one condition of a filter of runs.
func (l *listing) condition(c track.Condition) {
	switch c.Entity {
	case track.Metrics:
		l.has("series", "run", "r.seq", func(value string) (string, []any) {
			test, args := l.numberTest(value, c)
			return "key = ? AND " + test, append([]any{c.Key}, args...)
		})
	case track.Params:
		l.keyed("params", "run", "r.seq", "", c)
	case track.Tags:
		l.keyed("tags", "run", "r.seq", " AND deleted = 0", c)
	case track.Datasets:
		l.dataset(c)
	case track.Attributes:
		l.attribute(l.runColumn, c)
	}
}

// dataset asks for a dataset that a client named, or for an asset, whose name is
// its path, its digest the id in hex and its context the role.
func (l *listing) dataset(c track.Condition) {
	asset := map[string]string{"name": "path", "digest": l.dialect.Hex("id"), "context": "role"}[c.Key]
	input := map[string]string{"name": "d.name", "digest": "d.digest", "context": "i.context"}[c.Key]
	assetTest, assetArgs := l.textTest(asset, c)
	inputTest, inputArgs := l.textTest(input, c)
	l.must("(r.seq IN (SELECT run FROM assets WHERE "+assetTest+") OR r.seq IN (SELECT i.run FROM run_datasets i JOIN datasets d ON d.id = i.dataset WHERE "+
		inputTest+"))", append(assetArgs, inputArgs...)...)
}

// attribute tests a column of the thing itself.
func (l *listing) attribute(columns func(key string) (string, bool), c track.Condition) {
	column, numeric := columns(c.Key)
	if numeric {
		l.must(column+" "+string(c.Op)+" CAST(? AS DOUBLE PRECISION)", c.Number)
		if c.Key == "end_time" { // 0: it has not ended
			l.must(column + " <> 0")
		}
		return
	}
	test, args := l.textTest(column, c)
	l.must(test, args...)
}

// keyed tests the value that a key has in a table of keys and values.
func (l *listing) keyed(table, owner, id, more string, c track.Condition) {
	if c.Op == track.IsNull {
		l.must("NOT EXISTS (SELECT 1 FROM "+table+" WHERE "+owner+" = "+id+" AND key = ?"+more+")", c.Key)
		return
	}
	where, args := "key = ?"+more, []any{c.Key}
	if c.Op != track.NotNull {
		test, more := l.textTest("value", c)
		if c.Op == track.Equal && l.dialect == db.Postgres { // an index there holds only the beginning
			test, more = "left(value, 200) = left(?, 200) AND "+test, append([]any{c.Text}, more...)
		}
		where, args = where+" AND "+test, append(args, more...)
	}
	l.has(table, owner, id, func(string) (string, []any) { return where, args })
}

// has asks for a row of a table; where is told how to write the column of
// values. Where few rows are like that they are found first, and then what they
// belong to; where many are, each is asked in its turn, which ends when a page
// is full.
func (l *listing) has(table, owner, id string, where func(value string) (test string, args []any)) {
	test, args := where("value")
	rows := table + " WHERE " + test
	if l.few == nil {
		l.narrow = true
		l.must(id+" IN (SELECT "+owner+" FROM "+rows+")", args...)
		return
	}
	if runs, ok := l.few(rows, args); ok {
		l.narrow = true
		l.keep(runs)
		return
	}
	// The + keeps SQLite from walking the values in a range for each owner: it
	// is to look up the owner's row.
	test, args = where("+value")
	l.must("EXISTS (SELECT 1 FROM "+table+" WHERE "+test+" AND "+owner+" = "+id+")", args...)
}

// keep leaves only some runs of those that other conditions left.
func (l *listing) keep(runs []int64) {
	left := make(map[int64]bool, len(runs))
	for _, run := range runs {
		if l.among == nil || l.among[run] {
			left[run] = true
		}
	}
	l.among = left
}

// nan is NaN among values, which sorts after all numbers: text in SQLite.
const nan = "'NaN'"

// numberTest compares a column of values. NaN is unequal to every number, and
// neither less nor greater.
func (l *listing) numberTest(column string, c track.Condition) (test string, args []any) {
	test, args = column+" "+string(c.Op)+" ?", []any{number(c.Number)}
	if c.Op == track.Greater || c.Op == track.GreaterEqual {
		test += " AND " + column + " < " + nan
	}
	return test, args
}

// textTest compares a column that is text.
func (l *listing) textTest(column string, c track.Condition) (test string, args []any) {
	switch c.Op {
	case track.In, track.NotIn:
		return list(column, string(c.Op), c.List)
	case track.IsNull:
		return column + " IS NULL", nil
	case track.NotNull:
		return column + " IS NOT NULL", nil
	case track.Like:
		test, arg := l.dialect.Like(column, c.Text)
		return test, []any{arg}
	case track.ILike:
		test, arg := l.dialect.ILike(column, c.Text)
		return test, []any{arg}
	default:
		return column + " " + string(c.Op) + " ?", []any{c.Text}
	}
}

// runColumn is where an attribute of a run is.
func (l *listing) runColumn(key string) (column string, numeric bool) {
	switch key {
	case "run_id":
		return "r.id", false
	case "run_name":
		return "r.name", false
	case "user_id":
		return `r."user"`, false
	case "start_time", "end_time":
		return "r." + key, true
	case "experiment":
		return "(SELECT name FROM experiments WHERE id = r.experiment)", false
	case "commit", "branch":
		return "r.git_" + key, false
	case "artifact_uri":
		return "(SELECT " + l.location() + " FROM experiments WHERE id = r.experiment) || '/' || r.id || '/artifacts'", false
	default: // status, kind, parent, source, note
		return "r." + key, false
	}
}

// location is where the files of an experiment are, as a column of its table.
func (l *listing) location() string {
	root := strings.ReplaceAll(cmp.Or(l.root, "mlflow-artifacts:"), "'", "''")
	return "CASE WHEN location = '' THEN '" + root + "/' || experiments.id ELSE location END"
}

func direction(o track.Order) string {
	if o.Descending {
		return " DESC"
	}
	return ""
}

// by adds one order of runs. What a run does not have comes last, whatever the
// direction; NaN comes after the numbers.
func (l *listing) by(i int, o track.Order) {
	switch o.Entity {
	case track.Metrics:
		value := l.joinKey(i, o, "series", "run", "r.seq", "")
		l.order = append(l.order, value+" IS NULL", value+" = "+nan, value+direction(o))
	case track.Params:
		l.byKey(i, o, "params", "run", "r.seq", "")
	case track.Tags:
		l.byKey(i, o, "tags", "run", "r.seq", "deleted = 0")
	case track.Attributes, track.Datasets:
		l.byAttribute(l.runColumn, o)
	}
}

// joinKey joins the row that a key has in a table, and returns its value.
func (l *listing) joinKey(i int, o track.Order, table, owner, id, more string) string {
	as := "o" + strconv.Itoa(i)
	text := " LEFT JOIN " + table + " " + as + " ON " + as + "." + owner + " = " + id + " AND " + as + ".key = ?"
	if more != "" {
		text += " AND " + as + "." + more
	}
	l.joins, l.joinArgs = append(l.joins, text), append(l.joinArgs, o.Key)
	return as + ".value"
}

// byKey sorts by the text that a key has in a table.
func (l *listing) byKey(i int, o track.Order, table, owner, id, more string) {
	value := l.joinKey(i, o, table, owner, id, more)
	l.order = append(l.order, value+" IS NULL")
	if o.Numbers {
		l.order = append(l.order, "NOT ("+l.dialect.IsNumeric(value)+")",
			"CASE WHEN "+l.dialect.IsNumeric(value)+" THEN CAST("+value+" AS DOUBLE PRECISION) END"+direction(o))
	}
	l.order = append(l.order, value+direction(o))
}

// byAttribute sorts by a column of the thing itself.
func (l *listing) byAttribute(columns func(key string) (string, bool), o track.Order) {
	column, numeric := columns(o.Key)
	if numeric {
		column = "nullif(" + column + ", 0)"
	}
	l.order = append(l.order, column+" IS NULL", column+direction(o))
}
