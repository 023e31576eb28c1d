package registrydb

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/mlops-cli/mlops/pkg/db"
	"github.com/mlops-cli/mlops/pkg/registry"
	"github.com/mlops-cli/mlops/pkg/track"
)

// listing is the parts of a query for models or versions.
type listing struct {
	dialect db.Dialect
	columns map[string]string // attribute to column
	tag     string            // the condition that joins a row t of registry_tags
	where   []string
	order   []string
	args    []any
}

// Models implements registry.Reader.
func (s *Service) Models(ctx context.Context, q registry.Query) ([]registry.Model, error) {
	l := listing{
		dialect: s.db.Dialect(),
		columns: map[string]string{
			"name": "m.name", "description": "m.description",
			"creation_timestamp": "m.created", "creation_time": "m.created",
			"last_updated_timestamp": "m.updated", "timestamp": "m.updated", "last_update_time": "m.updated",
		},
		tag:   "t.model = m.seq AND t.version = 0",
		where: []string{alive},
	}
	if err := l.fill(q, "m.seq"); err != nil {
		return nil, err
	}
	rows, err := rowsOf(ctx, s.db, "SELECT "+modelColumns+" FROM registered_models m"+l.text(q, "m.name"), l.args...)
	if err != nil {
		return nil, err
	}
	return s.fillModels(ctx, rows)
}

// Versions implements registry.Reader.
func (s *Service) Versions(ctx context.Context, q registry.Query) ([]registry.Version, error) {
	l := listing{
		dialect: s.db.Dialect(),
		columns: map[string]string{
			"name": "m.name", "run_id": "v.run", "source_path": "v.source", "source": "v.source", "version_number": "v.number", "version": "v.number",
			"creation_timestamp": "v.created", "creation_time": "v.created", "last_updated_timestamp": "v.updated", "last_update_time": "v.updated",
			"stage": "v.stage", "current_stage": "v.stage", "user": "v.author", "user_id": "v.author", "status": "v.status", "description": "v.description",
			"model_id": "v.logged_model",
		},
		tag:   "t.model = v.model AND t.version = v.seq",
		where: []string{alive, "v.deleted = 0"},
	}
	if err := l.fill(q, "m.seq"); err != nil {
		return nil, err
	}
	from := fromVersions
	if len(q.Order) == 0 && !slices.ContainsFunc(q.Filter, func(c track.Condition) bool { return l.columns[c.Key] == "v.run" }) {
		// Model by model in their order, which ends when a page is full. SQLite takes the tables of a CROSS JOIN as they stand.
		from = " FROM registered_models m CROSS JOIN model_versions v "
		l.where = append(l.where, "v.model = m.seq")
	}
	rows, err := versionRowsFrom(ctx, s.db, from, l.text(q, "m.name", "v.number DESC"), l.args...)
	if err != nil {
		return nil, err
	}
	return s.fillVersions(ctx, rows, q.Bare)
}

func (l *listing) fill(q registry.Query, model string) error {
	if !q.Prompts {
		l.where = append(l.where, "NOT EXISTS (SELECT 1 FROM registry_tags p WHERE p.model = "+model+
			" AND p.version = 0 AND p.key = ? AND lower(p.value) = 'true' AND p.deleted = 0)")
		l.args = append(l.args, registry.PromptTag)
	}
	for _, c := range q.Filter {
		if err := l.condition(c); err != nil {
			return err
		}
	}
	for _, o := range q.Order {
		column, ok := l.columns[o.Key]
		if !ok || o.Entity != track.Attributes {
			return registry.Invalid(registry.OrderKey, o.Key, 0).DidYouMean(o.Key, l.names())
		}
		if o.Descending {
			column += " DESC"
		}
		l.order = append(l.order, column)
	}
	return nil
}

func (l *listing) names() []string {
	names := make([]string, 0, len(l.columns))
	for name := range l.columns {
		names = append(names, name)
	}
	return names
}

func (l *listing) text(q registry.Query, ties ...string) string {
	text := " WHERE " + strings.Join(l.where, " AND ") + " ORDER BY " + strings.Join(append(l.order, ties...), ", ")
	if q.Limit > 0 {
		text += " LIMIT " + strconv.Itoa(q.Limit)
	} else if q.Offset > 0 {
		text += " LIMIT 9223372036854775807"
	}
	if q.Offset > 0 {
		text += " OFFSET " + strconv.Itoa(q.Offset)
	}
	return text
}

// condition adds one condition of a filter.
func (l *listing) condition(c track.Condition) error {
	switch c.Entity {
	case track.Tags:
		if c.Op == track.IsNull || c.Op == track.NotNull {
			not := map[track.Op]string{track.IsNull: "NOT "}[c.Op]
			l.where = append(l.where, not+"EXISTS (SELECT 1 FROM registry_tags t WHERE "+l.tag+" AND t.key = ? AND t.deleted = 0)")
			l.args = append(l.args, c.Key)
			return nil
		}
		test, args := l.textTest("t.value", c)
		l.where = append(l.where, "EXISTS (SELECT 1 FROM registry_tags t WHERE "+l.tag+" AND t.key = ? AND t.deleted = 0 AND "+test+")")
		l.args = append(append(l.args, c.Key), args...)
		return nil
	case track.Attributes:
		if column, ok := l.columns[c.Key]; ok {
			var test string
			var args []any
			switch column {
			case "v.number", "v.created", "v.updated", "m.created", "m.updated":
				test, args = column+" "+string(c.Op)+" ?", []any{c.Number}
			default:
				test, args = l.textTest(column, c)
			}
			l.where, l.args = append(l.where, test), append(l.args, args...)
			return nil
		}
	case track.Metrics, track.Params, track.Datasets:
	}
	return registry.Invalid(registry.FilterKey, c.Key, 0).DidYouMean(c.Key, l.names())
}

// textTest compares a column that is text.
func (l *listing) textTest(column string, c track.Condition) (test string, args []any) {
	switch c.Op {
	case track.IsNull:
		return column + " = ''", nil
	case track.NotNull:
		return column + " <> ''", nil
	case track.In, track.NotIn:
		if len(c.List) == 0 {
			return column + " " + string(c.Op) + " (NULL)", nil
		}
		args = make([]any, len(c.List))
		for i, w := range c.List {
			args[i] = w
		}
		return column + " " + string(c.Op) + " (" + marks(len(args)) + ")", args
	case track.Like:
		test, arg := l.dialect.Like(column, c.Text)
		return test, []any{arg}
	case track.ILike:
		test, arg := l.dialect.ILike(column, c.Text)
		return test, []any{arg}
	case track.Equal, track.NotEqual, track.Less, track.LessEqual, track.Greater, track.GreaterEqual:
	}
	return column + " " + string(c.Op) + " ?", []any{c.Text}
}
