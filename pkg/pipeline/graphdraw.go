package pipeline

import (
	"fmt"
	"slices"
	"strings"
)

// Mermaid writes the graph as a Mermaid flowchart.
func (g *Graph) Mermaid() string {
	var b strings.Builder
	b.WriteString("flowchart TD\n")
	for i, n := range g.nodes {
		label := mermaidText(n.title())
		if text := g.standing(n); text != "" {
			label += "<br/>" + mermaidText(text)
		}
		fmt.Fprintf(&b, "  n%d[\"%s\"]%s\n", i+1, label, mermaidClass(g.colour(n)))
	}
	for i, n := range g.nodes {
		for _, on := range n.on {
			fmt.Fprintf(&b, "  n%d --> n%d\n", g.at[on]+1, i+1)
		}
	}
	if g.state {
		for _, c := range colours() {
			fmt.Fprintf(&b, "  classDef %s fill:%s,color:#000\n", c.name, c.fill)
		}
	}
	return b.String()
}

func mermaidText(s string) string {
	return strings.NewReplacer("#", "#35;", `"`, "#quot;", "<", "#lt;", ">", "#gt;", "\n", " ").Replace(s)
}

func mermaidClass(c *colour) string {
	if c == nil {
		return ""
	}
	return ":::" + c.name
}

// colour shows the state of a node.
type colour struct{ name, fill string }

// colours are those of running, restoring and skipping.
func colours() [3]colour {
	return [3]colour{{"run", "#ffd8a8"}, {"restore", "#a5d8ff"}, {"skip", "#d8f5a2"}}
}

// colour is that of the most that has to be done for a node; nil for none.
func (g *Graph) colour(n *node) *colour {
	all := colours()
	switch {
	case g.standing(n) == "":
		return nil
	case n.state.Run > 0:
		return &all[0]
	case n.state.Restore > 0:
		return &all[1]
	default:
		return &all[2]
	}
}

// Dot writes the graph for Graphviz.
func (g *Graph) Dot() string {
	var b strings.Builder
	b.WriteString("digraph {\n")
	quote := func(s string) string {
		return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(s) + `"`
	}
	for _, n := range g.nodes {
		label := n.title()
		if text := g.standing(n); text != "" {
			label += "\n" + text
		}
		var more []string
		if label != n.name {
			more = append(more, "label="+quote(label))
		}
		if c := g.colour(n); c != nil {
			more = append(more, "style=filled", "fillcolor="+quote(c.fill))
		}
		fmt.Fprintf(&b, "  %s", quote(n.name))
		if len(more) > 0 {
			fmt.Fprintf(&b, " [%s]", strings.Join(more, ", "))
		}
		b.WriteString(";\n")
	}
	for _, n := range g.nodes {
		for _, on := range n.on {
			fmt.Fprintf(&b, "  %s -> %s;\n", quote(on), quote(n.name))
		}
	}
	b.WriteString("}\n")
	return b.String()
}

// fewDeps is how many dependencies stand after an arrow.
const fewDeps = 4

// Text draws the graph as trees: below a node stand those that depend on it.
// One that depends on several is drawn below the last of them, with the others
// after an arrow.
func (g *Graph) Text() string {
	below, roots := make([][]int, len(g.nodes)), []int(nil)
	others := make([][]string, len(g.nodes))
	for i, n := range g.nodes {
		// Groups may depend on one another: only what comes before can be above.
		last := -1
		for _, on := range n.on {
			if at := g.at[on]; at < i {
				last = at
			}
		}
		for _, on := range n.on {
			if g.at[on] != last {
				others[i] = append(others[i], on)
			}
		}
		if last < 0 {
			roots = append(roots, i)
		} else {
			below[last] = append(below[last], i)
		}
	}
	var b strings.Builder
	var draw func(i int, first, rest string)
	draw = func(i int, first, rest string) {
		n := g.nodes[i]
		b.WriteString(first + n.title())
		if text := g.standing(n); text != "" {
			b.WriteString("  " + text)
		}
		if more := others[i]; len(more) > 0 {
			shown := more
			if len(more) > fewDeps+1 {
				shown = append(shown[:fewDeps:fewDeps], fmt.Sprintf("%d more", len(more)-fewDeps))
			}
			b.WriteString("  ← " + strings.Join(shown, ", "))
		}
		b.WriteByte('\n')
		for at, user := range below[i] {
			if at == len(below[i])-1 {
				draw(user, rest+"└─ ", rest+"   ")
			} else {
				draw(user, rest+"├─ ", rest+"│  ")
			}
		}
	}
	for _, i := range roots {
		draw(i, "", "")
	}
	return b.String()
}

// Len is the number of nodes.
func (g *Graph) Len() int { return len(g.nodes) }

// Layers draws the graph with a line for each layer: nodes of one layer depend
// on none of one another, and on some of the layer above. It is for graphs of
// which nobody reads a line for each node.
func (g *Graph) Layers() string {
	depth := make([]int, len(g.nodes))
	var layers [][]*node
	for i, n := range g.nodes {
		for _, on := range n.on {
			if at := g.at[on]; at < i { // groups may depend on one another
				depth[i] = max(depth[i], depth[at]+1)
			}
		}
		for depth[i] >= len(layers) {
			layers = append(layers, nil)
		}
		layers[depth[i]] = append(layers[depth[i]], n)
	}
	var b strings.Builder
	width := len(fmt.Sprint(len(layers)))
	for i, layer := range layers {
		names := make([]string, 0, fewDeps+1)
		sum := &node{}
		for k, n := range layer {
			if k < fewDeps || len(layer) == fewDeps+1 {
				names = append(names, n.title())
			}
			sum.add(n)
		}
		if more := len(layer) - len(names); more > 0 {
			names = append(names, fmt.Sprintf("%d more", more))
		}
		fmt.Fprintf(&b, "%*d  %s", width, i+1, strings.Join(names, ", "))
		if text := g.standing(sum); text != "" {
			b.WriteString("  " + text)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// add counts the stages of another node. Of the reasons it keeps the first.
func (n *node) add(other *node) {
	n.state.Run += other.state.Run
	n.state.Restore += other.state.Restore
	n.state.Skip += other.state.Skip
	n.state.Frozen += other.state.Frozen
	for _, r := range other.state.Reasons {
		if !slices.Contains(n.state.Reasons, r) && len(n.state.Reasons) < 100 {
			n.state.Reasons = append(n.state.Reasons, r)
		}
	}
}
