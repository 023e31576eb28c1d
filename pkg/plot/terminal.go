package plot

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Chart says how to draw curves in a terminal.
type Chart struct {
	Title         string
	XLabel        string // "" is step
	Width, Height int    // of the whole, in characters, without title and legend
	Color         bool   // ANSI colours; without, letters alone tell the curves apart
}

// palette holds ANSI colours that differ on dark and on light ground.
const palette = "34 33 32 35 36 31 94 93"

// Draw writes a line plot in Braille dots with axes and a legend. Each curve
// carries its letter at its end and now and then on its way.
func (ch Chart) Draw(w io.Writer, curves []Series) error {
	e := extentOf(curves)
	var out strings.Builder
	if ch.Title != "" {
		out.WriteString(ch.Title + "\n")
	}
	if !e.anything {
		out.WriteString("(no points to draw)\n")
		_, err := io.WriteString(w, out.String())
		return err
	}
	ticks := yTicks(e)
	margin := 0
	for _, t := range ticks {
		margin = max(margin, utf8.RuneCountInString(t))
	}
	height := max(4, ch.Height-2)
	width := max(10, ch.Width-margin-2)
	c := newCanvas(width, height)
	for i, curve := range curves {
		c.line(curve, e, i)
	}
	for i, curve := range curves {
		c.letters(curve, e, i)
	}
	for y := range height {
		label, axis := "", "│"
		switch y {
		case 0:
			label, axis = ticks[0], "┤"
		case (height - 1) / 2:
			label, axis = ticks[1], "┤"
		case height - 1:
			label, axis = ticks[2], "┤"
		}
		out.WriteString(strings.Repeat(" ", margin-utf8.RuneCountInString(label)) + label + " " + axis)
		c.row(&out, y, ch.Color)
		out.WriteByte('\n')
	}
	pad := strings.Repeat(" ", margin+1)
	out.WriteString(pad + "└" + strings.Repeat("─", width) + "\n")
	first, last := Number(e.x0), Number(e.x1)
	middle := cmp.Or(ch.XLabel, "step")
	if gap := width - len(first) - len(last) - len(middle); gap >= 2 && e.x1 > e.x0 {
		out.WriteString(pad + " " + first + strings.Repeat(" ", gap/2) + middle + strings.Repeat(" ", gap-gap/2) + last + "\n")
	} else {
		out.WriteString(pad + " " + middle + " " + first + "\n")
	}
	for i, curve := range curves {
		letter := paint(string(letterOf(i)), i, ch.Color)
		fmt.Fprintf(&out, "%s %s  %s\n", pad, letter, describe(curve, middle))
	}
	_, err := io.WriteString(w, out.String())
	return err
}

func describe(c Series, x string) string {
	if len(c.Points) == 0 {
		return c.Name + "  no points"
	}
	low, high := math.NaN(), math.NaN()
	for _, p := range c.Points {
		if !math.IsNaN(p.Y) {
			low, high = math.Min(orSelf(low, p.Y), p.Y), math.Max(orSelf(high, p.Y), p.Y)
		}
	}
	last := c.Points[len(c.Points)-1]
	return fmt.Sprintf("%s  last %s at %s %s, min %s, max %s", c.Name, Number(last.Y), x, Number(last.X), Number(low), Number(high))
}

func orSelf(v, self float64) float64 {
	if math.IsNaN(v) {
		return self
	}
	return v
}

func yTicks(e extent) [3]string {
	if e.y0 == e.y1 {
		return [3]string{"", Number(e.y0), ""}
	}
	return [3]string{Number(e.y1), strconv.FormatFloat(e.y0/2+e.y1/2, 'g', 4, 64), Number(e.y0)}
}

func letterOf(i int) rune { return rune("ABCDEFGHIJKLMNOPQRSTUVWXYZ"[i%26]) }

func paint(text string, i int, color bool) string {
	if !color {
		return text
	}
	codes := strings.Fields(palette)
	return "\x1b[" + codes[i%len(codes)] + "m" + text + "\x1b[0m"
}

// canvas is a grid of characters of 2 × 4 dots.
type canvas struct {
	width, height int // in characters
	dots          []byte
	owner         []int // curve that drew last, -1 none
	letter        []rune
}

func newCanvas(width, height int) *canvas {
	c := &canvas{width: width, height: height, dots: make([]byte, width*height), owner: make([]int, width*height), letter: make([]rune, width*height)}
	for i := range c.owner {
		c.owner[i] = -1
	}
	return c
}

// dot sets a dot, counted from the top left.
func (c *canvas) dot(x, y, owner int) {
	// The bits of a Braille character, by row and column of its dots.
	bits := [4][2]byte{{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}}
	at := y/4*c.width + x/2
	c.dots[at] |= bits[y%4][x%2]
	c.owner[at] = owner
}

// place is the dot of a point.
func (c *canvas) place(p Point, e extent) (x, y int) {
	return int(math.Round(e.x(p.X) * float64(c.width*2-1))), int(math.Round((1 - e.y(p.Y)) * float64(c.height*4-1)))
}

// line connects the points of a curve; a point that is no number leaves a gap.
func (c *canvas) line(curve Series, e extent, owner int) {
	gap := true
	var px, py int
	for _, p := range curve.Points {
		if math.IsNaN(p.Y) || math.IsInf(p.Y, 0) {
			gap = true
			continue
		}
		x, y := c.place(p, e)
		if gap {
			px, py = x, y
		}
		steps := max(abs(x-px), abs(y-py), 1)
		for i := 0; i <= steps; i++ {
			c.dot(px+(x-px)*i/steps, py+(y-py)*i/steps, owner)
		}
		px, py, gap = x, y, false
	}
}

func abs(n int) int { return max(n, -n) }

// letters marks a curve at its end and at two places on its way that differ
// from curve to curve.
func (c *canvas) letters(curve Series, e extent, i int) {
	mark := func(p Point) {
		if math.IsNaN(p.Y) || math.IsInf(p.Y, 0) {
			return
		}
		x, y := c.place(p, e)
		at := y/4*c.width + x/2
		if c.letter[at] == 0 {
			c.letter[at], c.owner[at] = letterOf(i), i
		}
	}
	n := len(curve.Points)
	if n == 0 {
		return
	}
	mark(curve.Points[n-1])
	for _, third := range []int{1, 2} {
		if at := n*third/3 - (i%5)*n/15; n > 6 && at >= 0 {
			mark(curve.Points[at])
		}
	}
}

func (c *canvas) row(out *strings.Builder, y int, color bool) {
	var line strings.Builder
	blank := 0
	for x := range c.width {
		at := y*c.width + x
		var text string
		switch {
		case c.letter[at] != 0:
			text = string(c.letter[at])
		case c.dots[at] != 0:
			text = string(rune(0x2800) + rune(c.dots[at]))
		default:
			blank++
			continue
		}
		line.WriteString(strings.Repeat(" ", blank) + paint(text, c.owner[at], color))
		blank = 0
	}
	out.WriteString(line.String())
}
