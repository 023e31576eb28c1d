package track_test

import (
	"strings"
	"testing"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/track"
)

func TestSift(t *testing.T) {
	t.Parallel()
	type thing struct {
		name string
		size float64
	}
	l := track.ListLanguage("things", []string{"name"}, []string{"size"})
	list := []thing{{"b.txt", 3}, {"a.txt", 20}, {"B (1)", 3}, {"", 1}}
	for _, x := range []struct{ filter, order, want string }{
		{"", "", "b.txt a.txt B (1) "},
		{"", "name", " B (1) a.txt b.txt"},
		{"", "size DESC,name", "a.txt B (1) b.txt "},
		{"size >= 3 and name LIKE '%.txt'", "size", "b.txt a.txt"},
		{"size < 3", "", ""},
		{"name ILIKE 'b%'", "", "b.txt B (1)"},
		{"name LIKE '_.txt'", "", "b.txt a.txt"},
		{"name LIKE 'B (1)'", "", "B (1)"},
		{"name IN ('a.txt', 'x') ", "", "a.txt"},
		{"name NOT IN ('a.txt') and size != 3 and size <= 20 and size > 0 and name != 'x' and size = 1", "", ""},
	} {
		f, err := l.Filter(x.filter)
		if err != nil {
			t.Fatal(err)
		}
		var orders []track.Order
		for key := range strings.SplitSeq(x.order, ",") {
			if key != "" {
				o, err := l.Order(key)
				if err != nil {
					t.Fatal(err)
				}
				orders = append(orders, o)
			}
		}
		var names []string
		for _, found := range track.Sift(list, f, orders, func(s thing, key string) (string, float64) {
			if key == "size" {
				return "", s.size
			}
			return s.name, 0
		}) {
			names = append(names, found.name)
		}
		if got := strings.Join(names, " "); got != x.want {
			t.Errorf("%s by %s: %q, want %q", x.filter, x.order, got, x.want)
		}
	}
	for _, bad := range []string{"tags.x = 'y'", "color = 'red'", "size = 'x'", "name > 'a'"} {
		if _, err := l.Filter(bad); !errs.Is(err, errs.Usage) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}
