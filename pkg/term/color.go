package term

import (
	"strings"
)

// Depth is how many colours a terminal shows.
type Depth uint8

// The depths, from none to 24 bits.
const (
	Plain Depth = iota
	Color16
	Color256
	TrueColor
)

// depth reads the conventions of terminals: NO_COLOR and TERM=dumb mean none,
// CLICOLOR_FORCE colours also a pipe.
func depth(env func(string) string, tty bool) Depth {
	force := env("CLICOLOR_FORCE") != "" && env("CLICOLOR_FORCE") != "0"
	name := env("TERM")
	switch {
	case env("NO_COLOR") != "", !force && (!tty || name == "dumb"):
		return Plain
	case env("COLORTERM") == "truecolor", env("COLORTERM") == "24bit":
		return TrueColor
	case strings.Contains(name, "256color"):
		return Color256
	default:
		return Color16
	}
}

// Style is a way to write text on a terminal.
type Style string

// The styles. They use the terminal's own palette, so that they fit a light
// and a dark background.
const (
	Bold   Style = "1"
	Dim    Style = "2"
	Red    Style = "31"
	Green  Style = "32"
	Yellow Style = "33"
	Blue   Style = "34"
	Purple Style = "35"
	Cyan   Style = "36"
)

// Paint returns s in style for stdout, or s as it is where there is no colour.
func (t *IO) Paint(style Style, s string) string {
	if t.color == Plain || s == "" {
		return s
	}
	return "\x1b[" + string(style) + "m" + s + "\x1b[0m"
}
