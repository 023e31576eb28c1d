package stagefile

import (
	"path"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/mlops-cli/mlops/pkg/paramfile"
)

// The extensions of pointers, which name data that is no stage's output.
const (
	PointerExt    = ".mlops"
	DVCPointerExt = ".dvc"
)

// Pointer is what the graph must know of a pointer file: stages may not write
// the same data.
type Pointer struct {
	Outs []string // the data, relative to the root
	Deps []string // of a .dvc file that imports: where from
}

// IsPointer reports whether a path is that of a pointer.
func IsPointer(name string) bool {
	base := path.Base(name)
	return strings.HasSuffix(base, PointerExt) && base != PointerExt || strings.HasSuffix(base, DVCPointerExt) && base != DVCPointerExt
}

// loadPointer reads a pointer as a File without stages. One of ours is not
// opened: its name says where its data is.
func loadPointer(read ReadFunc, name string) (*File, error) {
	f := &File{Path: name, Dir: path.Dir(name), Pointer: &Pointer{}}
	if data, ours := strings.CutSuffix(name, PointerExt); ours {
		f.Pointer.Outs = []string{data}
		return f, nil
	}
	text, err := read(name)
	if err != nil {
		return f, err
	}
	src := newSource(name, text)
	doc, err := paramfile.YAMLDocument(text)
	if err != nil {
		return f, src.fail([]*problem{src.syntax(err)})
	}
	if doc != nil && !isNull(doc) {
		err = f.readDVC(doc)
	}
	if err != nil {
		return f, src.fail([]*problem{asProblem(err, doc)})
	}
	return f, nil
}

func (f *File) readDVC(doc *yaml.Node) error {
	nothingOr := func(c check) check {
		return func(n *yaml.Node, what string) error {
			if isNull(n) {
				return nil
			}
			return c(n, what)
		}
	}
	ps, err := checkMap(doc, "", []entry{
		{name: "md5", check: sumNode},
		{name: "wdir", check: nothingOr(textNode)},
		{name: "deps", check: nothingOr(pointedNode(false))},
		{name: "outs", check: nothingOr(pointedNode(true))},
		{name: "locked", check: flagNode},
		{name: "frozen", check: flagNode},
		{name: "meta", check: anyNode},
		{name: "always_changed", check: flagNode},
		{name: "desc", check: textNode},
	}, false)
	if err != nil {
		return err
	}
	dir := f.Dir
	if n, ok := lookup(ps, "wdir"); ok && !isNull(n) {
		dir = rel(dir, follow(n).Value)
	}
	for _, section := range []struct {
		name string
		list *[]string
	}{{"outs", &f.Pointer.Outs}, {"deps", &f.Pointer.Deps}} {
		n, ok := lookup(ps, section.name)
		if !ok || isNull(n) {
			continue
		}
		for _, x := range follow(n).Content {
			in, err := pairs(x, section.name)
			if err != nil {
				return err
			}
			if p, ok := lookup(in, "path"); ok && !hasKey(in, "repo") { // the path is inside that repository
				*section.list = append(*section.list, rel(dir, follow(p).Value))
			}
		}
	}
	return nil
}

func hasKey(ps []pair, name string) bool {
	_, ok := lookup(ps, name)
	return ok
}

// pointedNode checks a list of data, which is outs or deps.
func pointedNode(outs bool) check {
	known := append(dataEntries(), entry{name: "persist", check: flagNode}, entry{name: "fs_config", check: mapNode})
	if outs {
		known = append(known,
			entry{name: "desc", check: textNode},
			entry{name: "type", check: textNode},
			entry{name: "labels", check: textsNode},
			entry{name: "meta", check: anyNode},
			entry{name: "cache", check: flagNode},
			entry{name: "remote", check: textNode},
			entry{name: "push", check: flagNode},
			// DVC 0 and 1 wrote these, and 3 refuses them: they say nothing that counts.
			entry{name: "metric", check: anyNode},
			entry{name: "plot", check: anyNode})
	} else {
		known = append(known, entry{name: "repo", check: mapNode}, entry{name: "db", check: mapNode})
	}
	return func(n *yaml.Node, what string) error {
		return eachItem(n, what, func(x *yaml.Node, what string) error {
			in, err := checkMap(x, what, known, false)
			if err == nil && !hasKey(in, "path") && !hasKey(in, "db") {
				return at(x, "%s: an entry without path", what)
			}
			return err
		})
	}
}
