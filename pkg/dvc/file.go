package dvc

import (
	"fmt"
	"strings"

	"github.com/mlops-cli/mlops/pkg/paramfile"
)

// The names of DVC's files and directories.
const (
	Ext        = ".dvc" // of pointers; also the name of the directory of a repository
	LockName   = "dvc.lock"
	IgnoreFile = ".dvcignore"
)

// IsPointer reports whether a base name is that of a .dvc file.
func IsPointer(name string) bool { return strings.HasSuffix(name, Ext) && name != Ext }

// Out is a file or directory that DVC keeps, or that a stage read.
type Out struct {
	Path   string // as written: relative to the working directory of the stage
	Sum    Sum    // zero when none is recorded
	Size   int64  // bytes
	Files  int64  // of a directory
	Exec   bool
	Cache  bool // false: git keeps it
	Push   bool
	Remote string
	Etag   string // of a dependency on a URL
	// Dataset is what a dependency on ds://NAME was, as paramfile decodes it.
	Dataset any
}

// Source is where the data of an import is from.
type Source struct {
	URL     string // of the git repository, or of the data itself
	Path    string // in the repository; "" of plain data
	Rev     string // branch or tag that is followed, "" for the default
	RevLock string // commit that was taken
	Etag    string // of the data at a URL, when it was taken
}

// Pointer is the content of a .dvc file.
type Pointer struct {
	Outs   []Out
	Deps   []Out
	Source *Source // of an import, nil for what was added
	Frozen bool
	Wdir   string // relative to the file, "" for beside it
	Cmd    string // of a stage of DVC 0; "" in all later ones
	Desc   string
}

// ParsePointer reads the text of the .dvc file at the slash path name, in which
// errors are named.
func ParsePointer(name string, text []byte) (Pointer, error) {
	v, err := paramfile.ParseYAML(text)
	if err != nil {
		return Pointer{}, fmt.Errorf("read %s: %w: %w", name, ErrFormat, err)
	}
	top := asMapping(v, name, &err)
	p := Pointer{Frozen: top.flag("frozen", false), Wdir: top.text("wdir"), Cmd: top.text("cmd"), Desc: top.text("desc")}
	for _, item := range top.list("outs") {
		p.Outs = append(p.Outs, parseOut(item, name+": outs", &err))
	}
	for _, item := range top.list("deps") {
		d := parseOut(item, name+": deps", &err)
		p.Deps = append(p.Deps, d)
		if p.Source == nil {
			p.Source = parseSource(item, d, &err)
		}
	}
	return p, err
}

func parseSource(item any, d Out, err *error) *Source {
	m := asMapping(item, "dependency", err)
	if m.has("repo") {
		r := asMapping(m.get("repo"), "repo", err)
		return &Source{URL: r.text("url"), Path: d.Path, Rev: r.text("rev"), RevLock: r.text("rev_lock")}
	}
	return &Source{URL: d.Path, Etag: d.Etag}
}

func parseOut(item any, what string, err *error) Out {
	m := asMapping(item, what, err)
	o := Out{
		Path: m.text("path"), Size: m.number("size"), Files: m.number("nfiles"), Exec: m.flag("isexec", false),
		Dataset: m.get("dataset"), Cache: m.flag("cache", true), Push: m.flag("push", true), Remote: m.text("remote"), Etag: m.text("etag"),
	}
	if o.Path == "" && m.m != nil && !m.has("db") {
		fail(err, "%s: an entry has no path", what)
	}
	if o.Etag == "" {
		o.Etag = m.text("checksum") // what some servers have in its place
	}
	if text := m.text("md5"); text != "" {
		sum, perr := ParseSum(m.text("hash"), text)
		if perr != nil {
			fail(err, "%s: %s: %v", what, o.Path, perr)
		}
		o.Sum = sum
	} else if files := m.list("files"); len(files) > 0 {
		o.Sum, o.Files = sumOfFiles(files, what, err), int64(len(files))
	}
	return o
}

// sumOfFiles is the sum of a directory whose files are listed in place, as DVC
// does for remotes that keep versions.
func sumOfFiles(files []any, what string, err *error) Sum {
	manifest := make(Manifest, 0, len(files))
	for _, item := range files {
		f := asMapping(item, what+": files", err)
		manifest = append(manifest, File{Path: f.text("relpath"), Hex: f.text("md5")})
	}
	_, sum := manifest.Encode(MD5)
	return sum
}
