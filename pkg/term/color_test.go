package term

import "testing"

func TestDepthFollowsTheConventions(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		env  map[string]string
		tty  bool
		want Depth
	}{
		{map[string]string{"TERM": "xterm"}, true, Color16},
		{map[string]string{"TERM": "xterm-256color"}, true, Color256},
		{map[string]string{"TERM": "xterm-256color", "COLORTERM": "truecolor"}, true, TrueColor},
		{map[string]string{"TERM": "xterm-256color", "NO_COLOR": "1"}, true, Plain},
		{map[string]string{"TERM": "dumb"}, true, Plain},
		{map[string]string{"TERM": "xterm-256color"}, false, Plain},
		{map[string]string{"TERM": "xterm", "CLICOLOR_FORCE": "1"}, false, Color16},
		{map[string]string{"CLICOLOR_FORCE": "1", "NO_COLOR": "1"}, true, Plain},
	} {
		if got := depth(func(k string) string { return c.env[k] }, c.tty); got != c.want {
			t.Errorf("%v, terminal %t: depth %d, want %d", c.env, c.tty, got, c.want)
		}
	}
}

func TestPaintNeedsColour(t *testing.T) {
	t.Parallel()
	io := New(Config{Color: Color16})
	if got := io.Paint(Red, "x"); got != "\x1b[31mx\x1b[0m" {
		t.Errorf("painted %q", got)
	}
	io.NoColor()
	if got := io.Paint(Red, "x"); got != "x" {
		t.Errorf("without colour %q", got)
	}
}
