package term_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/mlops-cli/mlops/pkg/term"
)

func tableIO(width int, color term.Depth) *term.IO {
	return term.New(term.Config{
		Out: &bytes.Buffer{}, Err: &bytes.Buffer{}, OutTTY: width > 0,
		Width: func() int { return width }, Color: color,
	})
}

func draw(t *testing.T, table *term.Table) string {
	t.Helper()
	var b strings.Builder
	if err := table.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestTableIsAlignedWithoutBordersOrTrailingSpace(t *testing.T) {
	t.Parallel()
	table := tableIO(0, term.Plain).Table("NAME", "size", "Kind_of").Right(1)
	table.Row("a", "12", "file")
	table.Row("längerer-name", "1234567", "")
	want := "" +
		"NAME              size  Kind_of\n" +
		"a                   12  file\n" +
		"längerer-name  1234567\n"
	if got := draw(t, table); got != want {
		t.Errorf("got\n%q, want\n%q", got, want)
	}
}

func TestTableWithoutRowsIsNothing(t *testing.T) {
	t.Parallel()
	if got := draw(t, tableIO(0, term.Plain).Table("A", "B")); got != "" {
		t.Errorf("got %q", got)
	}
}

func TestTableCutsTheWidestColumnOnATerminalOnly(t *testing.T) {
	t.Parallel()
	fill := func(io *term.IO) *term.Table {
		table := io.Table()
		table.Row("short", strings.Repeat("long ", 20), "end")
		return table
	}
	if got := draw(t, fill(tableIO(0, term.Plain))); !strings.Contains(got, strings.Repeat("long ", 20)) {
		t.Errorf("cut in a pipe: %q", got)
	}
	got := draw(t, fill(tableIO(40, term.Color16)))
	if line := strings.TrimSuffix(got, "\n"); term.Width(line) > 40 || !strings.Contains(line, "…") || !strings.HasSuffix(line, "end") {
		t.Errorf("not cut to 40 columns: %q (%d)", got, term.Width(line))
	}
}

func TestTableAlignsPaintedAndWideCells(t *testing.T) {
	t.Parallel()
	io := tableIO(80, term.Color16)
	table := io.Table()
	table.Row(io.Paint(term.Red, "failed"), "x")
	table.Row("漢字", "x")
	lines := strings.Split(draw(t, table), "\n")
	if want := "\x1b[31mfailed\x1b[0m  x"; lines[0] != want {
		t.Errorf("got %q, want %q", lines[0], want)
	}
	for _, line := range lines[:2] {
		if before, _, _ := strings.Cut(line, "x"); term.Width(before) != 8 {
			t.Errorf("x of %q is at column %d", line, term.Width(before))
		}
	}
}

func TestTableKeepsARowOnItsLine(t *testing.T) {
	t.Parallel()
	table := tableIO(0, term.Plain).Table()
	table.Row("a\nb\tc", "x")
	if got := draw(t, table); got != `a\nb\tc  x`+"\n" {
		t.Errorf("got %q", got)
	}
}
