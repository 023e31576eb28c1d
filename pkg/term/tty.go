package term

import (
	"os"

	"golang.org/x/term"
)

// isTerminal reports whether f is a terminal that understands escapes.
func isTerminal(f *os.File) bool {
	return term.IsTerminal(int(f.Fd())) && enableEscapes(f)
}

// terminalWidth is the width of the first of files that has one, or 0.
func terminalWidth(files ...*os.File) int {
	for _, f := range files {
		if w, _, err := term.GetSize(int(f.Fd())); err == nil && w > 0 {
			return w
		}
	}
	return 0
}
