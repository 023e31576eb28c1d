package compare

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/plot"
	"github.com/mlops-cli/mlops/pkg/track"
)

// CurveKey finds the metric that a person means by word: its key, or the end
// of its key after a file or a slash. Metrics with several points come first.
func (r *Result) CurveKey(word string) (string, error) {
	keys := keysOf(r.Runs, func(c *Column) map[string]track.Summary { return c.metrics })
	var found []string
	for _, key := range keys {
		if key == word || strings.HasSuffix(key, ":"+word) || strings.HasSuffix(key, "/"+word) {
			found = append(found, key)
		}
	}
	if len(found) == 0 {
		return "", errs.New(errs.NotFound, "plot: no metric %q in what is compared", word).DidYouMean(word, keys)
	}
	return slices.MaxFunc(found, func(a, b string) int {
		return cmp.Or(cmp.Compare(boolRank(r.hasCurve(a)), boolRank(r.hasCurve(b))), cmp.Compare(boolRank(a == word), boolRank(b == word)))
	}), nil
}

func boolRank(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (r *Result) hasCurve(key string) bool {
	return slices.ContainsFunc(r.Runs, func(c Column) bool { return c.metrics[key].Count > 1 })
}

// CurveKeys lists the metrics that have a curve in some column.
func (r *Result) CurveKeys() []string {
	keys := keysOf(r.Runs, func(c *Column) map[string]track.Summary { return c.metrics })
	return slices.DeleteFunc(keys, func(key string) bool { return !r.hasCurve(key) })
}

// Curves reads the curves of one metric, by step; the color of each is the
// number of its column. Each has at most limit points that keep its shape.
func (c *Comparer) Curves(ctx context.Context, r *Result, key string, limit int) ([]plot.Series, error) {
	var curves []plot.Series
	for i, col := range r.Runs {
		if col.metrics[key].Count == 0 {
			continue
		}
		points := slices.Clone(col.points[key])
		if col.ID != "" {
			history, err := c.runs.History(ctx, col.ID, key)
			if err != nil {
				return nil, err
			}
			points = make([]plot.Point, len(history))
			for j, m := range history {
				points[j] = plot.Point{X: float64(m.Step), Y: m.Value}
			}
		}
		slices.SortStableFunc(points, func(a, b plot.Point) int { return cmp.Compare(a.X, b.X) })
		curves = append(curves, plot.Series{Color: i, Name: col.Name, Joined: true, Points: plot.Thin(points, limit)})
	}
	return curves, nil
}
