package dag_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/quick"

	"github.com/mlops-cli/mlops/pkg/dag"
)

func TestOrderIsStableAndRespectsEdges(t *testing.T) {
	t.Parallel()
	g := dag.New()
	for _, n := range []string{"evaluate", "train", "prepare", "lonely"} {
		g.Add(n)
	}
	g.Depend("evaluate", "train")
	g.Depend("train", "prepare")
	got, err := g.Order()
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"prepare", "train", "evaluate", "lonely"}; !slices.Equal(got, want) {
		t.Fatalf("order %v, want %v", got, want)
	}
	if below := g.Below("train"); len(below) != 2 || !below["prepare"] {
		t.Fatalf("below train: %v", below)
	}
	if above := g.Above("train"); len(above) != 2 || !above["evaluate"] {
		t.Fatalf("above train: %v", above)
	}
	if d := g.Deps("evaluate"); !slices.Equal(d, []string{"train"}) {
		t.Fatalf("deps %v", d)
	}
	if u := g.Users("prepare"); !slices.Equal(u, []string{"train"}) {
		t.Fatalf("users %v", u)
	}
	if g.Deps("nobody") != nil || len(g.Below("nobody")) != 0 || g.Has("nobody") {
		t.Fatal("a node that is not there has edges")
	}
}

func TestCycleIsShownAsAPath(t *testing.T) {
	t.Parallel()
	g := dag.New()
	g.Depend("start", "a")
	g.Depend("a", "b")
	g.Depend("b", "c")
	g.Depend("c", "a")
	_, err := g.Order()
	var cycle *dag.CycleError
	if !errors.As(err, &cycle) {
		t.Fatalf("error %v", err)
	}
	if want := []string{"a", "b", "c", "a"}; !slices.Equal(cycle.Path, want) {
		t.Fatalf("path %v, want %v", cycle.Path, want)
	}
}

func TestOrderOfAnyAcyclicGraph(t *testing.T) {
	t.Parallel()
	holds := func(edges []uint16) bool {
		g := dag.New()
		for _, e := range edges {
			a, b := e>>8, e&0xff
			if a == b {
				continue
			}
			g.Depend(fmt.Sprint(max(a, b)), fmt.Sprint(min(a, b)))
		}
		order, err := g.Order()
		if err != nil || len(order) != len(g.Nodes()) {
			return false
		}
		place := map[string]int{}
		for i, n := range order {
			place[n] = i
		}
		for _, n := range order {
			for _, d := range g.Deps(n) {
				if place[d] >= place[n] {
					return false
				}
			}
		}
		return true
	}
	if err := quick.Check(holds, nil); err != nil {
		t.Fatal(err)
	}
}

func TestDeepGraphNeedsNoDeepStack(t *testing.T) {
	t.Parallel()
	g := dag.New()
	for i := range 200_000 {
		g.Depend(fmt.Sprint(i), fmt.Sprint(i+1))
	}
	if _, err := g.Order(); err != nil {
		t.Fatal(err)
	}
}
