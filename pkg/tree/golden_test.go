package tree_test

import (
	"bufio"
	"bytes"
	"context"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/zeebo/xxh3"

	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/tree"
)

var golden = flag.Bool("update", false, "write golden files that are missing; those that exist never change")

const goldenDir = "testdata/v1"

// goldenModel has every kind, odd names, empty directories, and a directory
// three levels high, from names that end nodes.
func goldenModel() model {
	high := make(model)
	for i, ones, twos := 0, 0, 0; ones < 12 || twos < 2; i++ {
		name := fmt.Sprintf("f%d", i)
		h := xxh3.HashString(name)
		switch {
		case h&(1<<20-1) == 0 && twos < 2:
			twos++
		case h&(1<<10-1) == 0 && ones < 12:
			ones++
		case i%1000 > 0 || i > 60_000:
			continue
		}
		high[name] = file(name, name)
	}
	tool := file("", "#!/bin/sh\n")
	tool.Exec = true
	link := file("", "tool")
	link.Kind = tree.Symlink
	all := make(model)
	for _, name := range odd {
		all[name] = file(name, name)
	}
	return model{
		"high": high, "names": all, "empty": model{}, "nested": model{"empty": model{}, "deep": model{"x": file("", "x")}},
		"tool": tool, "link": link, "zero": file("", ""),
	}
}

// describe writes a tree as the golden text has it.
func describe(t *testing.T, src tree.Source, root tree.Entry) string {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "# kind exec size files id path\ndir false %d %d %s \"\"\n", root.Size, root.Files, root.ID)
	err := tree.Walk(t.Context(), src, root.ID, func(p string, e tree.Entry) error {
		fmt.Fprintf(&b, "%s %t %d %d %s %s\n", e.Kind, e.Exec, e.Size, e.Files, e.ID, strconv.QuoteToASCII(p))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// parse is the inverse of describe: the edits that make the tree from nothing,
// and the line of each path.
func parse(t *testing.T, text string) (root tree.Entry, edits map[string]*tree.Entry) {
	t.Helper()
	edits = make(map[string]*tree.Entry)
	lines := bufio.NewScanner(strings.NewReader(text))
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "#") {
			continue
		}
		f := strings.SplitN(lines.Text(), " ", 6)
		var e tree.Entry
		var errs [6]error
		var p string
		e.Kind, errs[0] = tree.ParseKind(f[0])
		e.Exec, errs[1] = strconv.ParseBool(f[1])
		e.Size, errs[2] = strconv.ParseInt(f[2], 10, 64)
		e.Files, errs[3] = strconv.ParseInt(f[3], 10, 64)
		e.ID, errs[4] = oid.Parse(f[4])
		p, errs[5] = strconv.Unquote(f[5])
		for _, err := range errs {
			if err != nil {
				t.Fatalf("%s: %v", lines.Text(), err)
			}
		}
		switch {
		case p == "":
			root = e
		case e.Kind != tree.Dir || e.Files == 0:
			edits[p] = &e
		}
	}
	return root, edits
}

// fileNodes is a Source of the golden nodes.
type fileNodes struct{}

func (fileNodes) Tree(_ context.Context, id oid.ID) ([]byte, error) {
	b, err := os.ReadFile(filepath.Join(goldenDir, id.String()+".node"))
	if err == nil && oid.Sum(b) != id {
		err = fmt.Errorf("golden node %s has the content of %s", id, oid.Sum(b))
	}
	return b, err
}

// TestGolden reads what version 1 wrote, and makes the same nodes again from
// the text beside them.
func TestGolden(t *testing.T) {
	t.Parallel()
	path := filepath.Join(goldenDir, "tree.txt")
	b, err := os.ReadFile(path)
	if *golden && os.IsNotExist(err) {
		b = writeGolden(t, path)
	} else if err != nil {
		t.Fatal(err)
	}
	root, edits := parse(t, string(b))
	if got := describe(t, fileNodes{}, root); got != string(b) {
		t.Errorf("read as\n%swant\n%s", got, b)
	}
	m := newMemory()
	build(t, m, nil) // the empty directory, which the text names by its id
	if got := update(t, m, oid.ID{}, edits); got != root {
		t.Fatalf("made again as %+v, want %+v", got, root)
	}
	nodes, height := 0, 0
	err = tree.Nodes(t.Context(), m, root.ID, func(oid.ID) bool { return false }, func(id oid.ID, node bool, _ int64) error {
		if !node {
			return nil
		}
		nodes++
		height = max(height, int(m.nodes[id][3]))
		stored, err := fileNodes{}.Tree(t.Context(), id)
		if err != nil || !bytes.Equal(stored, m.nodes[id]) {
			t.Errorf("node %s: %v", id, err)
		}
		return nil
	})
	if err != nil || nodes < 20 || height != 2 {
		t.Fatalf("%d nodes of up to level %d, %v", nodes, height, err)
	}
}

func writeGolden(t *testing.T, path string) []byte {
	t.Helper()
	if err := os.MkdirAll(goldenDir, fs.ModePerm); err != nil {
		t.Fatal(err)
	}
	m := newMemory()
	root := goldenModel().build(t, m)
	for id, b := range m.nodes {
		if err := os.WriteFile(filepath.Join(goldenDir, id.String()+".node"), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text := []byte(describe(t, m, root))
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
	return text
}
