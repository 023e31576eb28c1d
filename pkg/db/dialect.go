package db

import (
	"strconv"
	"strings"
)

// Dialect is the SQL of a database. One text serves both, with ? or ?1 for
// arguments, RETURNING for new numbers, ON CONFLICT with its columns; what
// differs stands here.
type Dialect uint8

// The dialects.
const (
	SQLite Dialect = iota
	Postgres
)

// Like compares a column with a pattern, an argument, that tells upper from
// lower case; % and _ are wildcards. Arg is what to bind for the pattern.
func (d Dialect) Like(column, pattern string) (test, arg string) {
	if d == Postgres {
		return column + " LIKE ? ESCAPE ''", pattern
	}
	return column + " GLOB ?", strings.NewReplacer("*", "[*]", "?", "[?]", "[", "[[]", "%", "*", "_", "?").Replace(pattern)
}

// ILike is Like for which upper and lower case are the same.
func (d Dialect) ILike(column, pattern string) (test, arg string) {
	if d == Postgres {
		return column + " ILIKE ? ESCAPE ''", pattern
	}
	return column + " LIKE ?", pattern
}

// Hex is a column of bytes as hex digits.
func (d Dialect) Hex(column string) string {
	if d == Postgres {
		return "encode(" + column + ", 'hex')"
	}
	return "lower(hex(" + column + "))"
}

// Among chooses the rows of a table whose column of numbers is one of some. Before
// stands before the table in FROM and test in WHERE; in one of them is the ? for
// arg: the numbers are one argument, so that the text stays the same and is
// prepared once. SQLite looks each up in its turn, without a table of its own as
// IN (SELECT …) would make.
func (d Dialect) Among(column string, numbers []int64) (before, test string, arg any) {
	if d == Postgres {
		return "", column + " = ANY(?)", numbers
	}
	list := append(make([]byte, 0, 8*len(numbers)+2), '[')
	for i, n := range numbers {
		if i > 0 {
			list = append(list, ',')
		}
		list = strconv.AppendInt(list, n, 10)
	}
	return "(SELECT value AS wanted FROM json_each(?)) CROSS JOIN ", column + " = wanted", string(append(list, ']'))
}

// IsNumeric tests whether a text looks like a number.
func (d Dialect) IsNumeric(column string) string {
	if d == Postgres {
		return column + ` ~ '^[-+]{0,1}([0-9]+\.{0,1}[0-9]*|\.[0-9]+)([eE][-+]{0,1}[0-9]+){0,1}$'` // no question mark, see text
	}
	return column + " GLOB '[-+.0-9]*'"
}

// ForUpdate ends a SELECT that locks what it reads until the transaction ends;
// in SQLite a writer is alone anyway.
func (d Dialect) ForUpdate() string {
	if d == Postgres {
		return " FOR UPDATE"
	}
	return ""
}

// Only is a piece of text for one dialect, such as a hint for its planner.
func (d Dialect) Only(which Dialect, text string) string {
	if d == which {
		return text
	}
	return ""
}

// text is a query as the database reads it.
func (d Dialect) text(query string) string {
	if d != Postgres || !strings.Contains(query, "?") {
		return query
	}
	var b strings.Builder
	b.Grow(len(query) + 32)
	n := 0
	for {
		before, after, found := strings.Cut(query, "?")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		b.WriteByte('$')
		if after == "" || after[0] < '0' || after[0] > '9' {
			n++
			b.WriteString(strconv.Itoa(n))
		}
		query = after
	}
}

// args are arguments as the database takes them: a bool is a number.
func (d Dialect) args(args []any) []any {
	if d != Postgres {
		return args
	}
	for i, a := range args {
		if b, ok := a.(bool); ok {
			args[i] = 0
			if b {
				args[i] = 1
			}
		}
	}
	return args
}
