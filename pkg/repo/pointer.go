package repo

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/fsx"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/tree"
)

// filePerm is of files that git tracks. The process's umask cannot be read
// without changing it, which other goroutines would see.
const filePerm fs.FileMode = 0o644

// pointerVersion is the version of the pointer format. docs/format/pointer.md
// is its specification.
const pointerVersion = 1

// Object is what stands, or should stand, at a path.
type Object struct {
	Path  string    // slash path relative to the root
	Kind  tree.Kind // a symlink's object is its target text
	Exec  bool      // files only
	ID    oid.ID
	Size  int64 // bytes, of a directory all below it
	Files int64 // 1, or of a directory all below it that are no directories
}

// Same reports whether two objects have the same content, wherever they stand.
func (o Object) Same(p Object) bool {
	return o.Kind == p.Kind && o.ID == p.ID && o.Exec == p.Exec
}

// PointerPath is the path of the pointer of the data at path.
func PointerPath(path string) string { return path + PointerExt }

// ReadPointer reads the pointer file at the slash path pointer, such as
// data/train.mlops. A broken one is errs.Usage and names the line.
func (r *Repo) ReadPointer(pointer string) (Object, error) {
	text, err := os.ReadFile(r.Path(pointer))
	if errors.Is(err, fs.ErrNotExist) {
		return Object{}, errs.New(errs.NotFound, "pointer %s does not exist", pointer)
	}
	if err != nil {
		return Object{}, fmt.Errorf("read pointer: %w", err)
	}
	return ParsePointer(pointer, text)
}

// ParsePointer reads the text of the pointer file at the slash path pointer.
func ParsePointer(pointer string, text []byte) (Object, error) {
	o, err := parsePointer(pointer, text)
	if err != nil {
		e := errs.New(errs.Usage, "read pointer %s%w", pointer, err)
		data := strings.TrimSuffix(pointer, PointerExt)
		if strings.Contains("\n"+string(text), "\n<<<<<<<") {
			return o, e.Hint("a git merge left its marks: choose a side with 'git checkout --ours -- %s' or --theirs, then 'mlops checkout'", pointer).
				Hint("or make of the files what you want to keep, then: mlops add %s", data)
		}
		return o, e.Hint("take it from git (git checkout -- %s), or write it anew: mlops add %s", pointer, data)
	}
	return o, nil
}

// parsePointer's errors begin with ":line: ".
func parsePointer(pointer string, text []byte) (Object, error) {
	fields, err := pointerFields(text)
	if err != nil {
		return Object{}, err
	}
	o := Object{Files: 1}
	seen := map[string]bool{}
	for i := 0; i+1 < len(fields.Content); i += 2 {
		key, val := fields.Content[i], fields.Content[i+1]
		if seen[key.Value] {
			return o, fmt.Errorf(":%d: %s stands twice", key.Line, key.Value)
		}
		seen[key.Value] = true
		if err := o.setField(pointer, key.Value, val); err != nil {
			return o, fmt.Errorf(":%d: %s: %w", val.Line, key.Value, err)
		}
	}
	for _, key := range []string{"mlops", "path", "kind", "id", "size"} {
		if !seen[key] {
			return o, fmt.Errorf(":%d: %s is missing", fields.Line, key)
		}
	}
	if o.Exec && o.Kind != tree.File {
		return o, fmt.Errorf(":%d: exec is for files", fields.Line)
	}
	return o, nil
}

func pointerFields(text []byte) (*yaml.Node, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, fmt.Errorf(": %w", err)
	}
	if doc.Kind != yaml.DocumentNode || len(doc.Content) != 1 || doc.Content[0].Kind != yaml.MappingNode {
		return nil, fmt.Errorf(":1: it is not a list of 'key: value' lines")
	}
	return doc.Content[0], nil
}

func (o *Object) setField(pointer, key string, val *yaml.Node) (err error) {
	switch key {
	case "mlops":
		var v int
		if err := val.Decode(&v); err != nil {
			return fmt.Errorf("%q is not a version", val.Value)
		}
		if v != pointerVersion {
			return fmt.Errorf("version %d is not known to this program: use a newer mlops", v)
		}
	case "path":
		var name string
		if err := val.Decode(&name); err != nil {
			return err
		}
		if want := path.Base(strings.TrimSuffix(pointer, PointerExt)); name != want {
			return fmt.Errorf("%q does not match the name of the file, want %q", name, want)
		}
		if err := tree.CheckName(name); err != nil {
			return err
		}
		o.Path = path.Join(path.Dir(pointer), name)
	case "kind":
		o.Kind, err = tree.ParseKind(val.Value)
	case "id":
		if !strings.HasPrefix(val.Value, "sha256:") {
			return fmt.Errorf("%q does not begin with 'sha256:'", val.Value)
		}
		o.ID, err = oid.Parse(val.Value)
	case "size":
		o.Size, err = amount(val)
	case "files":
		o.Files, err = amount(val)
	case "exec":
		err = val.Decode(&o.Exec)
	}
	return err // other keys belong to newer programs and to people: kept as they are
}

func amount(val *yaml.Node) (int64, error) {
	n, err := strconv.ParseInt(val.Value, 10, 64)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%q is not a number of 0 or more", val.Value)
	}
	return n, nil
}

// WritePointer makes o's pointer name o, durably. Keys that it does not know,
// and comments, are kept. A pointer that says so already is not touched. Notes
// are further keys, such as where the data is from.
func (r *Repo) WritePointer(o Object, notes ...Note) error {
	file := r.Path(PointerPath(o.Path))
	old, perm, err := readText(file)
	if err != nil {
		return fmt.Errorf("write pointer: %w", err)
	}
	text, err := encodePointer(o, old, notes)
	if err != nil {
		return fmt.Errorf("write pointer %s: %w", PointerPath(o.Path), err)
	}
	if string(text) == string(old) {
		return nil
	}
	return fsx.WriteFile(file, text, perm)
}

func encodePointer(o Object, old []byte, notes []Note) ([]byte, error) {
	fields, err := pointerFields(old)
	if err != nil { // missing, or broken and so replaced
		fields = &yaml.Node{Kind: yaml.MappingNode}
	}
	for _, f := range []struct {
		key   string
		value any
		has   bool
	}{
		{"mlops", pointerVersion, true},
		{"path", path.Base(o.Path), true},
		{"kind", o.Kind.String(), true},
		{"id", "sha256:" + o.ID.String(), true},
		{"size", o.Size, true},
		{"files", o.Files, o.Kind == tree.Dir},
		{"exec", true, o.Exec},
	} {
		if !f.has {
			dropKey(fields, f.key)
			continue
		}
		if err := setKey(fields, f.key, f.value); err != nil {
			return nil, err
		}
	}
	for _, n := range notes {
		if n.Value == nil {
			dropKey(fields, n.Key)
		} else if err := setKey(fields, n.Key, n.Value); err != nil {
			return nil, err
		}
	}
	return encodeYAML(fields)
}

// Note is a key of a pointer that says more than what stands at its path. A nil
// value removes it.
type Note struct {
	Key   string
	Value any
}

// Notes decodes the keys of a pointer into v, a pointer to a struct with yaml
// tags. Keys that v does not have are left alone.
func Notes(text []byte, v any) error { return yaml.Unmarshal(text, v) }

// RemovePointer removes the pointer file at the slash path pointer. One that
// is not there is no error.
func (r *Repo) RemovePointer(pointer string) error {
	err := os.Remove(r.Path(pointer))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("remove pointer: %w", err)
	}
	return fsx.SyncDir(r.Path(path.Dir(pointer)))
}
