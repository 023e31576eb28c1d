package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestSidesTakeTurns(t *testing.T) {
	t.Parallel()
	var order []string
	turn := func(name string, most int) side {
		return side{name: name, most: most, run: func(context.Context, int) (sample, error) {
			order = append(order, name)
			return sample{wall: time.Duration(len(order))}, nil
		}}
	}
	b := &bench{}
	all, err := b.race(t.Context(), "race", 6, turn("a", 0), turn("b", 0), turn("slow", 1))
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(order, " "); got != "a b slow b a a b a b b a a b" {
		t.Errorf("the order was %q", got)
	}
	if len(all["a"]) != 6 || len(all["slow"]) != 1 {
		t.Errorf("samples: %d of a, %d of slow; want 6 and 1", len(all["a"]), len(all["slow"]))
	}
}

func TestRowsSayPassMissOrNoPeer(t *testing.T) {
	t.Parallel()
	took := func(ms ...int) (all []sample) {
		for _, m := range ms {
			all = append(all, sample{wall: time.Duration(m) * time.Millisecond})
		}
		return all
	}
	all := map[string][]sample{"mlops": took(900, 50, 40), "cp": took(100, 100, 20), "dvc": took(3000)}
	for _, c := range []struct {
		peer  string
		aim   float64
		state string
	}{{"cp", 0.5, "pass"}, {"cp", 0.4, "**MISS**"}, {"rclone", 0.4, "no peer"}} {
		r := ratio("add", all, "mlops", c.peer, c.aim)
		if r.state != c.state || r.dvc != "3.00 s, 0 MB" {
			t.Errorf("against %s with aim %g: %+v, want %s", c.peer, c.aim, r, c.state)
		}
	}
	if r := atMost("push", sample{}, 4, "requests", 3); r.state != "**MISS**" || r.value != "4 requests" {
		t.Errorf("4 of 3 requests: %+v", r)
	}
}

func TestDataIsTheSameForTheSameSeed(t *testing.T) {
	t.Parallel()
	read := func(seed uint64) string {
		dir := t.TempDir()
		if err := makeFiles(dir, perDir+1, 100, seed); err != nil {
			t.Fatal(err)
		}
		found, err := filepath.Glob(filepath.Join(dir, "*", "*"))
		if err != nil || len(found) != perDir+1 {
			t.Fatalf("%d files (%v)", len(found), err)
		}
		text, err := os.ReadFile(found[len(found)-1])
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	if a, b, other := read(1), read(1), read(2); a != b || a == other {
		t.Error("seeds do not decide the data")
	}
}

func TestCountRequests(t *testing.T) {
	t.Parallel()
	n, err := countRequests([]byte("{\"type\":\"note\"}\n{\"type\":\"summary\",\"requests\":2}\n"))
	if n != 2 || err != nil {
		t.Errorf("got %d, %v", n, err)
	}
	if _, err := countRequests([]byte("{\"type\":\"note\"}\n")); err == nil {
		t.Error("output without a summary passed")
	}
}
