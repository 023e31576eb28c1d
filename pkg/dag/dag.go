package dag

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Graph is a set of nodes and of edges between them.
type Graph struct {
	names []string
	index map[string]int
	deps  [][]int // what a node depends on
	users [][]int // what depends on a node
}

// New returns an empty graph.
func New() *Graph { return &Graph{index: map[string]int{}} }

// Clone returns a copy that can be added to.
func (g *Graph) Clone() *Graph {
	out := &Graph{names: slices.Clone(g.names), index: maps.Clone(g.index), deps: make([][]int, len(g.deps)), users: make([][]int, len(g.users))}
	for i := range g.deps {
		out.deps[i], out.users[i] = slices.Clone(g.deps[i]), slices.Clone(g.users[i])
	}
	return out
}

// Add adds a node; a name that is there already stays where it is.
func (g *Graph) Add(name string) {
	if _, ok := g.index[name]; ok {
		return
	}
	g.index[name] = len(g.names)
	g.names = append(g.names, name)
	g.deps = append(g.deps, nil)
	g.users = append(g.users, nil)
}

// Depend says that node from depends on node on; both are added when missing.
// The caller gives each edge once.
func (g *Graph) Depend(from, on string) {
	g.Add(from)
	g.Add(on)
	f, o := g.index[from], g.index[on]
	g.deps[f] = append(g.deps[f], o)
	g.users[o] = append(g.users[o], f)
}

// Has reports whether name is a node.
func (g *Graph) Has(name string) bool { _, ok := g.index[name]; return ok }

// Nodes returns the names in the order they were added.
func (g *Graph) Nodes() []string { return g.names }

// Deps returns what the node depends on, directly.
func (g *Graph) Deps(name string) []string { return g.pick(g.deps, name) }

// Users returns what depends on the node, directly.
func (g *Graph) Users(name string) []string { return g.pick(g.users, name) }

func (g *Graph) pick(edges [][]int, name string) []string {
	i, ok := g.index[name]
	if !ok {
		return nil
	}
	out := make([]string, len(edges[i]))
	for k, to := range edges[i] {
		out[k] = g.names[to]
	}
	return out
}

// CycleError is a path of nodes that ends where it began.
type CycleError struct{ Path []string }

// Error shows the path: a → b → a.
func (e *CycleError) Error() string {
	return fmt.Sprintf("stages depend on one another in a circle: %s", strings.Join(e.Path, " → "))
}

// Order returns the nodes so that each stands after all that it depends on.
// The error is a *CycleError.
func (g *Graph) Order() ([]string, error) {
	const (
		fresh = iota
		open
		done
	)
	type frame struct{ node, next int }
	state := make([]byte, len(g.names))
	order := make([]string, 0, len(g.names))
	var stack []frame
	for root := range g.names {
		if state[root] != fresh {
			continue
		}
		state[root] = open
		stack = append(stack[:0], frame{node: root})
		for len(stack) > 0 {
			top := &stack[len(stack)-1]
			if top.next == len(g.deps[top.node]) {
				state[top.node] = done
				order = append(order, g.names[top.node])
				stack = stack[:len(stack)-1]
				continue
			}
			dep := g.deps[top.node][top.next]
			top.next++
			switch state[dep] {
			case fresh:
				state[dep] = open
				stack = append(stack, frame{node: dep})
			case open:
				var path []string
				for i := range stack {
					if stack[i].node == dep || path != nil {
						path = append(path, g.names[stack[i].node])
					}
				}
				return nil, &CycleError{append(path, g.names[dep])}
			}
		}
	}
	return order, nil
}

// Below returns the given nodes and everything they depend on.
func (g *Graph) Below(names ...string) map[string]bool { return g.reach(g.deps, names) }

// Above returns the given nodes and everything that depends on them.
func (g *Graph) Above(names ...string) map[string]bool { return g.reach(g.users, names) }

func (g *Graph) reach(edges [][]int, names []string) map[string]bool {
	seen := map[string]bool{}
	var todo []int
	push := func(i int) {
		if name := g.names[i]; !seen[name] {
			seen[name] = true
			todo = append(todo, i)
		}
	}
	for _, name := range names {
		if i, ok := g.index[name]; ok {
			push(i)
		}
	}
	for len(todo) > 0 {
		i := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for _, to := range edges[i] {
			push(to)
		}
	}
	return seen
}
