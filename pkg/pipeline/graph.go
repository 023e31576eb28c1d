package pipeline

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mlops-cli/mlops/pkg/stagefile"
)

// Graph is some stages of a project and the edges between them.
type Graph struct {
	project *Project
	nodes   []string // in the order of the project's graph
	in      map[string]bool
}

// Subgraph is the graph of the stages that words name, from the directory dir,
// and of all they depend on; without words it is everything.
func (p *Project) Subgraph(words []string, dir string) (*Graph, error) {
	nodes, err := p.choose(PlanRequest{Stages: words, Dir: dir})
	if err != nil {
		return nil, err
	}
	g := &Graph{project: p, nodes: nodes, in: map[string]bool{}}
	for _, n := range nodes {
		g.in[n] = true
	}
	return g, nil
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

// Edges maps each stage that depends on others to them.
func (g *Graph) Edges() map[string][]string {
	out := map[string][]string{}
	for _, n := range g.nodes {
		if on := g.deps(n); len(on) > 0 {
			slices.Sort(on)
			out[n] = on
		}
	}
	return out
}

func (g *Graph) deps(n string) []string {
	return slices.DeleteFunc(g.project.Graph.Deps(n), func(on string) bool { return !g.in[on] })
}

// Mermaid writes the graph as a Mermaid flowchart.
func (g *Graph) Mermaid() string {
	var b strings.Builder
	b.WriteString("flowchart TD\n")
	id := map[string]string{}
	for i, n := range g.nodes {
		id[n] = fmt.Sprintf("n%d", i+1)
		fmt.Fprintf(&b, "  %s[\"%s\"]\n", id[n], strings.ReplaceAll(n, `"`, "#quot;"))
	}
	for _, n := range g.nodes {
		for _, on := range g.deps(n) {
			fmt.Fprintf(&b, "  %s --> %s\n", id[on], id[n])
		}
	}
	return b.String()
}

// Dot writes the graph for Graphviz.
func (g *Graph) Dot() string {
	var b strings.Builder
	b.WriteString("digraph {\n")
	quote := func(s string) string {
		return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(s) + `"`
	}
	for _, n := range g.nodes {
		fmt.Fprintf(&b, "  %s;\n", quote(n))
	}
	for _, n := range g.nodes {
		for _, on := range g.deps(n) {
			fmt.Fprintf(&b, "  %s -> %s;\n", quote(on), quote(n))
		}
	}
	b.WriteString("}\n")
	return b.String()
}

// Text draws the graph as trees: below a stage stand those that depend on it.
// One that depends on several is drawn below the last of them, with the others
// after an arrow.
func (g *Graph) Text() string {
	at := map[string]int{}
	for i, n := range g.nodes {
		at[n] = i
	}
	below, roots := map[string][]string{}, []string(nil)
	others := map[string][]string{}
	for _, n := range g.nodes {
		on := g.deps(n)
		if len(on) == 0 {
			roots = append(roots, n)
			continue
		}
		slices.SortFunc(on, func(a, b string) int { return at[a] - at[b] })
		last := on[len(on)-1]
		below[last] = append(below[last], n)
		others[n] = on[:len(on)-1]
	}
	var b strings.Builder
	var draw func(n, first, rest string)
	draw = func(n, first, rest string) {
		b.WriteString(first + n)
		if more := others[n]; len(more) > 0 {
			b.WriteString("  ← " + strings.Join(more, ", "))
		}
		b.WriteByte('\n')
		for i, user := range below[n] {
			if i == len(below[n])-1 {
				draw(user, rest+"└─ ", rest+"   ")
			} else {
				draw(user, rest+"├─ ", rest+"│  ")
			}
		}
	}
	for _, n := range roots {
		draw(n, "", "")
	}
	return b.String()
}
