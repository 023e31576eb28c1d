package term

import (
	"strings"
	"testing"
)

func TestListIsWrittenAsResultWritesIt(t *testing.T) {
	t.Parallel()
	for n := range 3 {
		items := []map[string]any{}
		for i := range n {
			items = append(items, map[string]any{"n": i, "deep": []string{"<a>", "b"}})
		}
		var whole, streamed strings.Builder
		s := &IO{Out: &whole, JSON: true}
		if err := s.Result(items, nil); err != nil {
			t.Fatal(err)
		}
		s.Out = &streamed
		if err := s.List(func(add func(any) error) error {
			for _, item := range items {
				if err := add(item); err != nil {
					return err
				}
			}
			return nil
		}); err != nil || streamed.String() != whole.String() {
			t.Errorf("%q (%v), want %q", streamed.String(), err, whole.String())
		}
	}
}

func TestTheNextRowsOfATableStandInTheSameColumns(t *testing.T) {
	t.Parallel()
	s := &IO{}
	table := s.Table("ID", "N", "TEXT").Right(1)
	table.Row("row-1", "37000", s.Paint(Green, "ü"))
	table.Row("row-2", "1", "")
	var out strings.Builder
	if err := table.Write(&out); err != nil {
		t.Fatal(err)
	}
	table.Row("x", "1", "y")
	if err := table.Write(&out); err != nil {
		t.Fatal(err)
	}
	want := "" +
		"ID         N  TEXT\n" +
		"row-1  37000  ü\n" +
		"row-2      1\n" +
		"x          1  y\n"
	if out.String() != want {
		t.Errorf("got\n%s, want\n%s", out.String(), want)
	}
}
