package plot

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"math"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
	"golang.org/x/image/vector"
)

// pngScale is how many dots a pixel of the drawing has on each side.
const pngScale = 2

// maxPNG bounds the picture, in dots; a larger figure is an error.
const maxPNG = 100_000_000

// PNG draws the figure as a picture on white ground, with title and legend.
func (f Figure) PNG() ([]byte, error) {
	l := f.layout(false)
	w, h := int(math.Ceil(l.width*pngScale)), int(math.Ceil(l.height*pngScale))
	if w*h > maxPNG {
		return nil, fmt.Errorf("a picture of %d × %d dots is too large", w, h)
	}
	regular, err := opentype.Parse(goregular.TTF)
	if err != nil {
		return nil, err
	}
	bold, err := opentype.Parse(gobold.TTF)
	if err != nil {
		return nil, err
	}
	s := &pngSurface{img: image.NewRGBA(image.Rect(0, 0, w, h)), regular: regular, bold: bold, faces: map[faceKey]font.Face{}}
	draw.Draw(s.img, s.img.Bounds(), image.White, image.Point{}, draw.Src)
	f.draw(s, l)
	if s.err != nil {
		return nil, s.err
	}
	var out bytes.Buffer
	err = png.Encode(&out, s.img)
	return out.Bytes(), err
}

// pngSurface draws dots. The first error stays.
type pngSurface struct {
	img           *image.RGBA
	regular, bold *opentype.Font
	faces         map[faceKey]font.Face
	err           error
}

type faceKey struct {
	size float64
	bold bool
}

func rgba(c ink) color.Color {
	var r, g, b uint8
	if _, err := fmt.Sscanf(light(c, false), "#%02x%02x%02x", &r, &g, &b); err != nil {
		return color.Black
	}
	a := 1.0
	if c.alpha > 0 && c.alpha < 1 {
		a = c.alpha
	}
	return color.NRGBA{r, g, b, uint8(math.Round(a * 255))}
}

// fill fills outlines, all of which must turn the same way round.
func (s *pngSurface) fill(outlines [][]xy, c ink) {
	low, high := xy{math.Inf(1), math.Inf(1)}, xy{math.Inf(-1), math.Inf(-1)}
	for _, o := range outlines {
		for _, p := range o {
			low, high = xy{min(low.x, p.x), min(low.y, p.y)}, xy{max(high.x, p.x), max(high.y, p.y)}
		}
	}
	area := image.Rect(int(math.Floor(low.x*pngScale)), int(math.Floor(low.y*pngScale)), int(math.Ceil(high.x*pngScale))+1, int(math.Ceil(high.y*pngScale))+1).Intersect(s.img.Bounds())
	if area.Empty() {
		return
	}
	r := vector.NewRasterizer(area.Dx(), area.Dy())
	for _, o := range outlines {
		for i, p := range o {
			x, y := float32(p.x*pngScale-float64(area.Min.X)), float32(p.y*pngScale-float64(area.Min.Y))
			if i == 0 {
				r.MoveTo(x, y)
			} else {
				r.LineTo(x, y)
			}
		}
		r.ClosePath()
	}
	r.Draw(s.img, area, image.NewUniform(rgba(c)), image.Point{})
}

func (s *pngSurface) line(points []xy, w float64, dash []float64, c ink) {
	for _, part := range cut(points, dash) {
		var outlines [][]xy
		for i, p := range part {
			if c.role == series {
				outlines = append(outlines, circle(p, w/2, 10))
			}
			if i > 0 {
				outlines = append(outlines, band(part[i-1], p, w/2))
			}
		}
		s.fill(outlines, c)
	}
}

// band is the outline of a thick line, turning as circle does.
func band(a, b xy, r float64) []xy {
	dx, dy := b.x-a.x, b.y-a.y
	n := math.Hypot(dx, dy)
	if n == 0 {
		return nil
	}
	ox, oy := -dy/n*r, dx/n*r
	return []xy{{a.x - ox, a.y - oy}, {b.x - ox, b.y - oy}, {b.x + ox, b.y + oy}, {a.x + ox, a.y + oy}}
}

func circle(at xy, r float64, corners int) []xy {
	points := make([]xy, corners)
	for i := range points {
		angle := 2 * math.Pi * float64(i) / float64(corners)
		points[i] = xy{at.x + r*math.Cos(angle), at.y + r*math.Sin(angle)}
	}
	return points
}

// cut makes strokes of a line.
func cut(points []xy, dash []float64) [][]xy {
	if dash == nil || len(points) == 0 {
		return [][]xy{points}
	}
	var parts [][]xy
	at, left, on := 0, dash[0], true
	open := []xy{points[0]}
	for i := 1; i < len(points); i++ {
		a, b := points[i-1], points[i]
		for {
			n := math.Hypot(b.x-a.x, b.y-a.y)
			if n <= left {
				left -= n
				if on {
					open = append(open, b)
				}
				break
			}
			a = xy{a.x + (b.x-a.x)*left/n, a.y + (b.y-a.y)*left/n}
			if on {
				parts = append(parts, append(open, a))
			}
			open, on = []xy{a}, !on
			at = (at + 1) % len(dash)
			left = dash[at]
		}
	}
	if on && len(open) > 1 {
		parts = append(parts, open)
	}
	return parts
}

func (s *pngSurface) rect(at xy, w, h float64, c ink, _ string) {
	s.fill([][]xy{{at, {at.x + w, at.y}, {at.x + w, at.y + h}, {at.x, at.y + h}}}, c)
}

func (s *pngSurface) shape(kind int, at xy, r float64, c ink, _ string) {
	if kind%4 == 0 {
		s.fill([][]xy{circle(at, r, 24)}, c)
		return
	}
	s.fill([][]xy{outline(kind, at, r)}, c)
}

func (s *pngSurface) face(how style) (font.Face, error) {
	key := faceKey{how.size, how.bold}
	if face, ok := s.faces[key]; ok {
		return face, nil
	}
	f := s.regular
	if how.bold {
		f = s.bold
	}
	face, err := opentype.NewFace(f, &opentype.FaceOptions{Size: how.size * pngScale, DPI: 72, Hinting: font.HintingFull})
	s.faces[key] = face
	return face, err
}

func (s *pngSurface) text(at xy, words string, how style) {
	face, err := s.face(how)
	if err != nil {
		s.err = err
		return
	}
	w := font.MeasureString(face, words).Ceil()
	up, down := face.Metrics().Ascent.Ceil(), face.Metrics().Descent.Ceil()
	mask := image.NewAlpha(image.Rect(0, 0, w, up+down))
	d := font.Drawer{Dst: mask, Src: image.Opaque, Face: face, Dot: fixed.P(0, up)}
	d.DrawString(words)
	along := 0
	switch how.anchor {
	case middle:
		along = w / 2
	case end:
		along = w
	case start:
	}
	x, y := int(at.x*pngScale), int(at.y*pngScale)
	origin := image.Pt(x-along, y-(up+down)/2)
	if how.turned {
		mask, origin = turn(mask), image.Pt(x-(up+down)/2, y-(w-along))
	}
	draw.DrawMask(s.img, mask.Bounds().Add(origin), image.NewUniform(rgba(how.ink)), image.Point{}, mask, image.Point{}, draw.Over)
}

// turn turns a picture a quarter to the left.
func turn(m *image.Alpha) *image.Alpha {
	w, h := m.Bounds().Dx(), m.Bounds().Dy()
	out := image.NewAlpha(image.Rect(0, 0, h, w))
	for y := range h {
		for x := range w {
			out.SetAlpha(y, w-1-x, m.AlphaAt(x, y))
		}
	}
	return out
}
