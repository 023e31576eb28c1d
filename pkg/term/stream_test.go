package term

import (
	"fmt"
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

func TestLongTablesLookLikeShortOnes(t *testing.T) {
	t.Parallel()
	s := &IO{}
	fill := func(rows int) *Table {
		table := s.Table("ID", "N", "TEXT").Right(1)
		for i := range rows {
			table.Row(fmt.Sprint("row-", i), fmt.Sprint(i*37), s.Paint(Green, strings.Repeat("ü", i%7)))
		}
		return table
	}
	var short, long, blocks strings.Builder
	if err := fill(100).Write(&short); err != nil {
		t.Fatal(err)
	}
	table := fill(100)
	if err := table.Flush(&long); err != nil {
		t.Fatal(err)
	}
	if short.String() != long.String() {
		t.Errorf("flushed\n%s\nwritten\n%s", long.String(), short.String())
	}
	table.Row("x", "1", "y")
	if err := table.Flush(&blocks); err != nil || blocks.String() != "x          1  y\n" {
		t.Errorf("the next block is %q (%v)", blocks.String(), err)
	}
}
