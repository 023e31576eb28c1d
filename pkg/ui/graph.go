package ui

import (
	"cmp"
	"fmt"
	"html/template"
	"slices"
	"strings"
	"unicode/utf8"
)

// graph is boxes and arrows between them, drawn from left to right.
type graph struct {
	Label string // for those who do not see it
	nodes []*box
	at    map[string]int
	edges [][2]int
}

type box struct {
	ID, Title, Sub, URL, Class string

	layer, order int
	x, y, width  float64
	dummy        bool // a bend of a long arrow
}

const (
	boxHeight = 46.0
	boxGap    = 18.0
	layerGap  = 64.0
)

func newGraph(label string) *graph { return &graph{Label: label, at: map[string]int{}} }

func (g *graph) add(b box) {
	if _, ok := g.at[b.ID]; ok {
		return
	}
	g.at[b.ID] = len(g.nodes)
	b.width = min(230, max(96, 46+max(7.7*float64(utf8.RuneCountInString(b.Title)), 6.7*float64(utf8.RuneCountInString(b.Sub)))))
	g.nodes = append(g.nodes, &b)
}

func (g *graph) connect(from, to string) {
	a, ok := g.at[from]
	b, also := g.at[to]
	if ok && also && a != b {
		g.edges = append(g.edges, [2]int{a, b})
	}
}

// layers gives each node the length of the longest way to it.
func (g *graph) layers() {
	for range g.nodes { // ends at the latest when each has moved once
		moved := false
		for _, e := range g.edges {
			if a, b := g.nodes[e[0]], g.nodes[e[1]]; b.layer <= a.layer {
				b.layer = min(a.layer+1, len(g.nodes))
				moved = true
			}
		}
		if !moved {
			break
		}
	}
	// What only feeds later ones stands close to them.
	for i, n := range slices.Backward(g.nodes) {
		next, fed := len(g.nodes)+1, false
		for _, e := range g.edges {
			if e[0] == i {
				next = min(next, g.nodes[e[1]].layer)
			}
			fed = fed || e[1] == i
		}
		if !fed && next <= len(g.nodes) {
			n.layer = next - 1
		}
	}
	g.dense()
}

// dense leaves no layer empty: arrows that go round in a ring drive them apart.
func (g *graph) dense() {
	var used []int
	for _, n := range g.nodes {
		used = append(used, n.layer)
	}
	slices.Sort(used)
	used = slices.Compact(used)
	for _, n := range g.nodes {
		n.layer, _ = slices.BinarySearch(used, n.layer)
	}
}

// paths splits arrows over more than one layer, so that they pass between boxes.
func (g *graph) paths() [][]int {
	var all [][]int
	for _, e := range g.edges {
		path := []int{e[0]}
		for l := g.nodes[e[0]].layer + 1; l < g.nodes[e[1]].layer; l++ {
			g.nodes = append(g.nodes, &box{layer: l, dummy: true})
			path = append(path, len(g.nodes)-1)
		}
		all = append(all, append(path, e[1]))
	}
	return all
}

// SVG is the drawing; "" when there is nothing to draw.
func (g *graph) SVG() template.HTML {
	if len(g.nodes) == 0 {
		return ""
	}
	g.layers()
	paths := g.paths()
	var columns [][]*box
	for _, n := range g.nodes {
		for len(columns) <= n.layer {
			columns = append(columns, nil)
		}
		n.order = len(columns[n.layer])
		columns[n.layer] = append(columns[n.layer], n)
	}
	g.sortColumns(columns, paths)
	width, height := place(columns, paths, g.nodes)
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" role="group" aria-label="%s" width="%.0f" height="%.0f" viewBox="0 0 %.0f %.0f">`,
		template.HTMLEscapeString(g.Label), width, height, width, height)
	for _, path := range paths {
		g.arrow(&b, path)
	}
	for _, n := range g.nodes {
		if !n.dummy {
			n.draw(&b)
		}
	}
	b.WriteString("</svg>")
	return template.HTML(b.String()) //nolint:gosec // texts go through HTMLEscapeString
}

// sortColumns orders boxes by the mean place of their neighbours.
func (g *graph) sortColumns(columns [][]*box, paths [][]int) {
	for sweep := range 8 {
		sum, n := map[*box]float64{}, map[*box]float64{}
		for _, path := range paths {
			for i := 1; i < len(path); i++ {
				a, b := g.nodes[path[i-1]], g.nodes[path[i]]
				if sweep%2 == 1 {
					a, b = b, a
				}
				sum[b] += float64(a.order) / float64(max(1, len(columns[a.layer])))
				n[b]++
			}
		}
		for _, column := range columns {
			slices.SortStableFunc(column, func(a, b *box) int {
				if n[a] == 0 || n[b] == 0 {
					return cmp.Compare(a.order, b.order)
				}
				return cmp.Compare(sum[a]/n[a], sum[b]/n[b])
			})
			for i, b := range column {
				b.order = i
			}
		}
	}
}

// place gives boxes their coordinates: columns in the middle, then each box as
// near to its neighbours as the others of its column let it.
func place(columns [][]*box, paths [][]int, nodes []*box) (width, height float64) {
	tall := 0.0
	for _, column := range columns {
		y := 0.0
		for _, b := range column {
			b.y = y
			y += b.tall() + boxGap
		}
		tall = max(tall, y-boxGap)
	}
	x := 1.0
	for _, column := range columns {
		wide := 0.0
		last := column[len(column)-1]
		shift := (tall - last.y - last.tall()) / 2
		for _, b := range column {
			b.x, b.y = x, b.y+shift
			wide = max(wide, b.width)
		}
		for _, b := range column {
			if b.dummy {
				b.width = wide
			}
		}
		x += wide + layerGap
	}
	for range 12 {
		sum, n := map[*box]float64{}, map[*box]float64{}
		for _, path := range paths {
			for i := 1; i < len(path); i++ {
				a, b := nodes[path[i-1]], nodes[path[i]]
				sum[a] += b.y + b.tall()/2
				sum[b] += a.y + a.tall()/2
				n[a]++
				n[b]++
			}
		}
		for _, column := range columns {
			for i, b := range column {
				if n[b] == 0 {
					continue
				}
				low, high := -1e9, 1e9
				if i > 0 {
					low = column[i-1].y + column[i-1].tall() + boxGap
				}
				if i+1 < len(column) {
					high = column[i+1].y - boxGap - b.tall()
				}
				if low <= high {
					b.y = max(low, min(high, sum[b]/n[b]-b.tall()/2))
				}
			}
		}
	}
	top, bottom := 1e9, 0.0
	for _, b := range nodes {
		top = min(top, b.y)
	}
	for _, b := range nodes {
		b.y += 1 - top
		bottom = max(bottom, b.y+b.tall())
	}
	return x - layerGap + 2, bottom + 2
}

func (b *box) tall() float64 {
	if b.dummy {
		return 6
	}
	return boxHeight
}

func (g *graph) arrow(w *strings.Builder, path []int) {
	first, last := g.nodes[path[0]], g.nodes[path[len(path)-1]]
	x, y := first.x+first.width, first.y+boxHeight/2
	fmt.Fprintf(w, `<path class="edge" d="M%.1f %.1f`, x, y)
	for _, i := range path[1:] {
		n := g.nodes[i]
		tx, ty := n.x, n.y+n.tall()/2
		if n == last {
			tx -= 7
		}
		middle := (x + tx) / 2
		fmt.Fprintf(w, "C%.1f %.1f %.1f %.1f %.1f %.1f", middle, y, middle, ty, tx, ty)
		if n.dummy {
			fmt.Fprintf(w, "H%.1f", n.x+n.width)
			tx = n.x + n.width
		}
		x, y = tx, ty
	}
	fmt.Fprintf(w, `"/><path class="tip-of-edge" d="M%.1f %.1fl-8 -4v8z"/>`, last.x, y)
}

func (b *box) draw(w *strings.Builder) {
	room := b.width - 42
	title, sub := cut(b.Title, int(room/7.5)), cut(b.Sub, int(room/6.4))
	tag := "g"
	if b.URL != "" {
		tag = "a"
		fmt.Fprintf(w, `<a href="%s" class="%s">`, template.HTMLEscapeString(b.URL), b.Class)
	} else {
		fmt.Fprintf(w, `<g class="%s">`, b.Class)
	}
	if title != b.Title || sub != b.Sub {
		fmt.Fprintf(w, "<title>%s</title>", template.HTMLEscapeString(strings.TrimSpace(b.Title+" "+b.Sub)))
	}
	fmt.Fprintf(w, `<rect x="%.1f" y="%.1f" width="%.1f" height="%.0f" rx="9"/>`, b.x, b.y, b.width, boxHeight)
	fmt.Fprintf(w, `<circle cx="%.1f" cy="%.1f" r="4.5"/>`, b.x+16, b.y+boxHeight/2)
	y := b.y + boxHeight/2 + 4.5
	if sub != "" {
		y = b.y + 20
	}
	fmt.Fprintf(w, `<text x="%.1f" y="%.1f">%s</text>`, b.x+29, y, template.HTMLEscapeString(title))
	if sub != "" {
		fmt.Fprintf(w, ` <text class="sub" x="%.1f" y="%.1f">%s</text>`, b.x+29, b.y+36, template.HTMLEscapeString(sub))
	}
	w.WriteString("</" + tag + ">")
}

// cut shortens a text in its middle.
func cut(s string, limit int) string {
	r := []rune(s)
	if len(r) <= limit || limit < 4 {
		return s
	}
	return string(r[:limit/2]) + "…" + string(r[len(r)-limit/2+1:])
}
