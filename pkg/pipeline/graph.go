package pipeline

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mlops-cli/mlops/pkg/stagefile"
)

// Graph is some stages of a project and the edges between them.
type Graph struct {
	nodes []*node // in the order of the project's graph
	at    map[string]int
	state bool // the nodes have one
}

// node is a stage, or all stages of a group.
type node struct {
	name    string
	stages  int      // of a group; 0: it is a stage
	on      []string // nodes that it depends on, in the order of nodes
	state   Standing
	reasons map[string]int // of a group, with the number of stages that have each
}

// Standing is how many stages of a node would be run, restored and skipped, and
// why. Of a group, Reasons are the most frequent first.
type Standing struct {
	Run     int      `json:"run"`
	Restore int      `json:"restore"`
	Skip    int      `json:"skip"`
	Frozen  int      `json:"frozen"`
	Reasons []string `json:"reasons"`
}

// Subgraph is the graph of the stages that words name, from the directory dir,
// and of all they depend on; without words it is everything.
func (p *Project) Subgraph(words []string, dir string) (*Graph, error) {
	chosen, err := p.choose(PlanRequest{Stages: words, Dir: dir})
	if err != nil {
		return nil, err
	}
	return p.graphOf(chosen, func(address string) (string, bool) { return address, false }), nil
}

// Collapsed is Subgraph with one node for all stages of a group.
func (p *Project) Collapsed(words []string, dir string) (*Graph, error) {
	chosen, err := p.choose(PlanRequest{Stages: words, Dir: dir})
	if err != nil {
		return nil, err
	}
	return p.graphOf(chosen, p.groupOf), nil
}

// groupOf names the group of a stage from the root, as its address names it.
func (p *Project) groupOf(address string) (name string, group bool) {
	s := p.byAddress[address]
	if s.Group == "" {
		return address, s.Map != ""
	}
	return strings.TrimSuffix(address, s.Name) + s.Group, true
}

// Group names the foreach, matrix or map that a stage is of, as addresses do; ""
// for none.
func (p *Project) Group(address string) string {
	if name, group := p.groupOf(address); group {
		return name
	}
	return ""
}

func (p *Project) graphOf(chosen []string, nameOf func(address string) (string, bool)) *Graph {
	g := &Graph{at: map[string]int{}}
	of := make(map[string]int, len(chosen)) // address → node
	for _, address := range chosen {
		name, group := nameOf(address)
		i, ok := g.at[name]
		if !ok {
			i = len(g.nodes)
			g.at[name] = i
			g.nodes = append(g.nodes, &node{name: name, reasons: map[string]int{}})
		}
		if group && p.byAddress[address].Map == "" {
			g.nodes[i].stages++
		}
		of[address] = i
	}
	seen := map[[2]int]bool{}
	for _, address := range chosen {
		from := of[address]
		for _, dep := range p.Graph.Deps(address) {
			on, ok := of[dep]
			if edge := [2]int{from, on}; ok && from != on && !seen[edge] {
				seen[edge] = true
				g.nodes[from].on = append(g.nodes[from].on, g.nodes[on].name)
			}
		}
	}
	for _, n := range g.nodes {
		slices.SortFunc(n.on, func(a, b string) int { return g.at[a] - g.at[b] })
	}
	return g
}

// Mark notes what a plan wants done with the stages, so that drawings show it.
func (g *Graph) Mark(p *Project, steps []Step) {
	g.state = true
	for _, s := range steps {
		i, ok := g.at[s.Name]
		if !ok {
			name, _ := p.groupOf(s.Name)
			i, ok = g.at[name]
		}
		if !ok || s.stage.Map != "" && g.nodes[i].stages > 0 {
			continue // a map stage whose items say how it stands
		}
		n := g.nodes[i]
		switch {
		case s.Action == Run:
			n.state.Run++
		case s.Action == Restore:
			n.state.Restore++
		case s.stage.Frozen:
			n.state.Frozen++
		default:
			n.state.Skip++
		}
		if s.Action == Skip {
			continue
		}
		for _, r := range s.Reasons {
			if n.reasons[r]++; n.reasons[r] == 1 {
				n.state.Reasons = append(n.state.Reasons, r)
			}
		}
	}
	for _, n := range g.nodes {
		slices.SortStableFunc(n.state.Reasons, func(a, b string) int { return n.reasons[b] - n.reasons[a] })
	}
}

// Standings returns the state of each node; nil when none was noted.
func (g *Graph) Standings() map[string]Standing {
	if !g.state {
		return nil
	}
	out := make(map[string]Standing, len(g.nodes))
	for _, n := range g.nodes {
		s := n.state
		if s.Reasons == nil {
			s.Reasons = []string{}
		}
		out[n.name] = s
	}
	return out
}

// Groups maps each node that stands for a group to the number of its stages.
func (g *Graph) Groups() map[string]int {
	out := map[string]int{}
	for _, n := range g.nodes {
		if n.stages > 0 {
			out[n.name] = n.stages
		}
	}
	return out
}

// List returns the stages that words name, in the order of the files; without
// words all.
func (p *Project) List(words []string, dir string) ([]*stagefile.Stage, error) {
	if len(words) == 0 {
		return append([]*stagefile.Stage{}, p.Stages...), nil
	}
	named, err := p.Targets(words, dir)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(p.Stages), func(s *stagefile.Stage) bool { return !slices.Contains(named, s.Address()) }), nil
}

// Edges maps each node that depends on others to them.
func (g *Graph) Edges() map[string][]string {
	out := map[string][]string{}
	for _, n := range g.nodes {
		if len(n.on) > 0 {
			out[n.name] = slices.Sorted(slices.Values(n.on))
		}
	}
	return out
}

// title is the name of a node, and how many stages it stands for.
func (n *node) title() string {
	if n.stages == 0 {
		return n.name
	}
	return fmt.Sprintf("%s ×%d", n.name, n.stages)
}

// standing says in words how a node stands; "" when that is not known.
func (g *Graph) standing(n *node) string {
	if !g.state {
		return ""
	}
	s := n.state
	total := s.Run + s.Restore + s.Skip + s.Frozen
	if total == 0 {
		return "" // a map stage whose items say it
	}
	var parts []string
	for _, c := range []struct {
		n    int
		word string
	}{{s.Run, "would run"}, {s.Restore, "would be restored"}, {s.Skip, "up to date"}, {s.Frozen, "frozen"}} {
		switch c.n {
		case 0:
		case total:
			parts = append(parts, c.word)
		default:
			parts = append(parts, fmt.Sprintf("%d %s", c.n, c.word))
		}
	}
	text := strings.Join(parts, ", ")
	if len(s.Reasons) > 0 {
		text += ": " + s.Reasons[0]
		if more := len(s.Reasons) - 1; more > 0 {
			text += fmt.Sprintf(" (and %d more)", more)
		}
	}
	return text
}
