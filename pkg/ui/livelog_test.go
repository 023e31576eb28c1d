package ui

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTerminalText(t *testing.T) {
	t.Parallel()
	for log, want := range map[string]string{
		"plain\nlines":                        "plain\nlines",
		"\r  0%\r 50%\r100%\ndone\n":          "100%\ndone\n",
		"dos\r\nlines\r\n":                    "dos\nlines\n",
		"\x1b[1;32mgreen\x1b[0m and \x1b[31m": "green and ",
		"cut \x1b[3":                          "cut ",
	} {
		if got := terminalText(log); got != want {
			t.Errorf("%q is shown as %q, not %q", log, got, want)
		}
	}
}

// What a stage prints is read on from where the reader is, and no character is
// cut in two.
func TestReadLive(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "stage.log")
	if text, next, _, err := readLive(path, -1); text != "" || next != 0 || err != nil {
		t.Errorf("before the first word: %q %d %v", text, next, err)
	}
	write := func(text string) {
		f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteString(text); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	write("one \xc3")
	text, next, _, err := readLive(path, -1)
	if text != "one " || next != 4 || err != nil {
		t.Errorf("%q %d %v", text, next, err)
	}
	write("\xa4nd two")
	if text, next, _, err := readLive(path, next); text != "änd two" || next != 12 || err != nil {
		t.Errorf("%q %d %v", text, next, err)
	}
	write(strings.Repeat("x", 3*logTail))
	if text, _, skipped, err := readLive(path, -1); len(text) != logTail || !skipped || err != nil {
		t.Errorf("the end: %d bytes, %v %v", len(text), skipped, err)
	}
}
