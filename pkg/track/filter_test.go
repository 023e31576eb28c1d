package track_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/track"
)

func TestParseFilter(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]track.Filter{
		"": nil,
		`metrics.loss < 0.2 and params.lr = "0.1"`: {
			{Entity: track.Metrics, Key: "loss", Op: track.Less, Number: 0.2},
			{Entity: track.Params, Key: "lr", Op: track.Equal, Text: "0.1"},
		},
		"metric.`val loss`>=-1e-3 AND tag.\"a b\" ILIKE '%it''s%'": {
			{Entity: track.Metrics, Key: "val loss", Op: track.GreaterEqual, Number: -1e-3},
			{Entity: track.Tags, Key: "a b", Op: track.ILike, Text: "%it's%"},
		},
		"parameters.train.lr != '1'": {{Entity: track.Params, Key: "train.lr", Op: track.NotEqual, Text: "1"}},
		"status = 'FINISHED' AND attributes.Created > 1700000000000": {
			{Entity: track.Attributes, Key: "status", Op: track.Equal, Text: "FINISHED"},
			{Entity: track.Attributes, Key: "start_time", Op: track.Greater, Number: 1700000000000},
		},
		"metrics.'a b/c' = 1":         {{Entity: track.Metrics, Key: "a b/c", Op: track.Equal, Number: 1}},
		"run_id not in ('A', \"12\")": {{Entity: track.Attributes, Key: "run_id", Op: track.NotIn, List: []string{"A", "12"}}},
		"`run name` LIKE 'x%'":        {{Entity: track.Attributes, Key: "run_name", Op: track.Like, Text: "x%"}},
		"dataset.name IN ('d')":       {{Entity: track.Datasets, Key: "name", Op: track.In, List: []string{"d"}}},
		"params.x=''":                 {{Entity: track.Params, Key: "x", Op: track.Equal}},
	} {
		got, err := track.ParseFilter(text)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v (%v), want %+v", text, got, err, want)
		}
	}
}

func TestParseFilterSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"metrics.loss < '0.2'":           "number without quotes",
		"params.lr = 0.1":                "text in quotes",
		"params.lr < '0.1'":              "only by =, !=, LIKE, ILIKE",
		"metrics.a > 1 or metrics.b > 1": "AND",
		"metrics.a >":                    "it ends",
		"metrics.a = 1 metrics.b = 1":    "AND",
		"metrics.a => 1":                 "no comparison",
		"metrix.a > 1":                   "did you mean",
		"stauts = 'x'":                   "did you mean",
		"status IN ('a')":                "only by",
		"run_id IN ()":                   "text in quotes",
		"run_id IN ('a'":                 "not closed",
		"run_id = ('a')":                 "text in quotes",
		"name LIKE":                      "a value",
		"name = 'a' AND":                 "a comparison",
		"name = 'a":                      "not closed",
		"metrics. > 1":                   "a key",
		"datasets.x = 'a'":               "digest",
	} {
		_, err := track.ParseFilter(text)
		if !errs.Is(err, errs.Usage) {
			t.Errorf("%s: error is %v", text, err)
			continue
		}
		if all := err.Error() + " " + strings.Join(errs.Hints(err), " "); !strings.Contains(strings.ToLower(all), strings.ToLower(want)) {
			t.Errorf("%s: %s does not say %q", text, all, want)
		}
	}
}

func TestParseOrder(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]track.Order{
		"metrics.loss":    {Entity: track.Metrics, Key: "loss"},
		"params.lr desc":  {Entity: track.Params, Key: "lr", Descending: true},
		"start_time ASC":  {Entity: track.Attributes, Key: "start_time"},
		"tags.`a b` DESC": {Entity: track.Tags, Key: "a b", Descending: true},
	} {
		if got, err := track.ParseOrder(text); err != nil || got != want {
			t.Errorf("%s: %+v (%v), want %+v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "metrics.a up", "datasets.name", "nothing"} {
		if _, err := track.ParseOrder(text); !errs.Is(err, errs.Usage) {
			t.Errorf("%s: error is %v", text, err)
		}
	}
}

func FuzzParseFilter(f *testing.F) {
	f.Add("metrics.`a` < 1 and params.\"x\" = 'y' AND run_id IN ('a', \"b\")")
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := track.ParseFilter(text); err != nil && !errs.Is(err, errs.Usage) {
			t.Errorf("%q: %v", text, err)
		}
	})
}
