package term

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// Secret asks for a line that is not shown. Without a terminal it is the first
// line of the input.
func (t *IO) Secret(prompt string) (string, error) {
	f, ok := t.In.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		line, err := bufio.NewReader(t.In).ReadString('\n')
		if errors.Is(err, io.EOF) && line != "" {
			err = nil
		}
		return strings.TrimRight(line, "\r\n"), err
	}
	if _, err := fmt.Fprint(t.Err, prompt+": "); err != nil {
		return "", err
	}
	text, err := term.ReadPassword(int(f.Fd()))
	_, err2 := fmt.Fprintln(t.Err)
	return string(text), errors.Join(err, err2)
}
