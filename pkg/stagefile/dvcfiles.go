package stagefile

import (
	"errors"
	"io/fs"
	"path"

	"go.yaml.in/yaml/v3"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/paramfile"
)

// The files of DVC that have a say in what a dvc.yaml means.
const (
	dvcConfig      = ".dvc/config"
	dvcConfigLocal = ".dvc/config.local"
	dvcLockName    = "dvc.lock"
)

// dvcFiles reads what stands beside a dvc.yaml: DVC refuses the file when its
// own settings or the lock are not in order, and so do we.
func (l *loader) dvcFiles() (flagOptions, error) {
	if !l.dvc {
		return flagOptions{}, nil
	}
	c := dvcSettings{remotes: map[string]dvcRemote{}}
	for _, name := range []string{dvcConfig, dvcConfigLocal} {
		text, err := l.read(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return c.options, err
		}
		if err := c.read(name, text); err != nil {
			return c.options, err
		}
	}
	if err := c.checkRemotes(); err != nil {
		return c.options, err
	}
	return c.options, l.checkDVCLock()
}

// checkDVCLock checks the shape of the dvc.lock beside the file.
func (l *loader) checkDVCLock() error {
	name := path.Join(l.file.Dir, dvcLockName)
	text, err := l.read(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	src := newSource(name, text)
	doc, err := paramfile.YAMLDocument(text)
	if err != nil {
		err = src.syntax(err)
	} else if doc == nil || isNull(doc) {
		err = (&problem{text: "the file is empty"}).hint("delete it: DVC writes it anew")
	} else {
		err = lockNode(doc)
	}
	if err == nil {
		return nil
	}
	p := asProblem(err, &yaml.Node{})
	return errs.New(errs.Usage, "%s", src.render(p)).
		Hint("DVC refuses the %s beside this lock too: take %s from git, or delete it and 'mlops run' records anew", DVCFileName, name)
}

func lockNode(doc *yaml.Node) error {
	top, err := checkMap(doc, "lock", []entry{{name: "schema", check: anyNode}, {name: "datasets", check: anyNode}, {name: "stages", check: anyNode}}, false)
	if err != nil {
		return err
	}
	if v, ok := lookup(top, "schema"); !ok || !isText(v) || follow(v).Value != "2.0" {
		return at(doc, "lock: schema is not '2.0'")
	}
	n, ok := lookup(top, "stages")
	if !ok {
		return nil
	}
	stages, err := pairs(n, "stages")
	if err != nil {
		return err
	}
	for _, s := range stages {
		in, err := checkMap(s.val, "stage "+s.name, []entry{
			{name: "cmd", check: looseCmdNode},
			{name: "deps", check: lockDataNode},
			{name: "outs", check: lockDataNode},
			{name: "params", check: lockParamsNode},
		}, false)
		if err != nil {
			return err
		}
		if _, ok := lookup(in, "cmd"); !ok {
			return at(s.key, "stage %s has no cmd", s.name)
		}
	}
	return nil
}

func lockParamsNode(n *yaml.Node, what string) error {
	files, err := pairs(n, what)
	if err != nil {
		return err
	}
	for _, f := range files {
		if _, err := pairs(f.val, what+": "+f.name); err != nil {
			return err
		}
	}
	return nil
}

// versionEntries are what DVC says of one version of a file or directory.
func versionEntries() []entry {
	return []entry{
		{name: "md5", check: sumNode},
		{name: "checksum", check: sumNode},
		{name: "etag", check: sumNode},
		{name: "size", check: wholeNode},
		{name: "nfiles", check: wholeNode},
		{name: "isexec", check: flagNode},
		{name: "version_id", check: textNode},
	}
}

// dataEntries are what locks and .dvc files say of data.
func dataEntries() []entry {
	return append(versionEntries(),
		entry{name: "path", check: textNode},
		entry{name: "hash", check: textNode},
		entry{name: "cloud", check: cloudNode},
		entry{name: "files", check: versionedFilesNode})
}

// versionedFilesNode checks the files of a directory that its entry lists.
func versionedFilesNode(n *yaml.Node, what string) error {
	return eachItem(n, what, func(x *yaml.Node, what string) error {
		known := append(versionEntries(), entry{name: "relpath", check: textNode}, entry{name: "cloud", check: cloudNode})
		in, err := checkMap(x, what, known, false)
		if err != nil {
			return err
		}
		if _, ok := lookup(in, "relpath"); !ok {
			return at(x, "%s: an entry without relpath", what)
		}
		return nil
	})
}

// lockDataNode checks deps and outs of a lock.
func lockDataNode(n *yaml.Node, what string) error {
	return eachItem(n, what, func(x *yaml.Node, what string) error {
		known := append(dataEntries(), entry{name: "dataset", check: mapNode})
		in, err := checkMap(x, what, known, false)
		if err != nil {
			return err
		}
		if _, ok := lookup(in, "path"); !ok {
			return at(x, "%s: an entry without path", what)
		}
		return nil
	})
}

func wholeNode(n *yaml.Node, what string) error {
	if _, ok := paramfile.Scalar(follow(n)).(int64); follow(n).Kind != yaml.ScalarNode || !ok {
		return at(n, "%s: expected a whole number, found %s", what, describe(n))
	}
	return nil
}

// sumNode checks a checksum: nothing, or a text or number of three and more.
func sumNode(n *yaml.Node, what string) error {
	switch v := paramfile.Scalar(follow(n)).(type) {
	case nil:
		return nil
	case string, int64:
		if text := paramfile.Text(v); text == "" || len(text) > 2 {
			return nil
		}
	}
	return at(n, "%s: %s is no checksum", what, describe(n))
}

// cloudNode checks what a remote says of a file.
func cloudNode(n *yaml.Node, what string) error {
	ps, err := pairs(n, what)
	if err != nil {
		return err
	}
	if len(ps) > 1 {
		return at(n, "%s: more than one remote", what)
	}
	for _, p := range ps {
		if _, err := checkMap(p.val, what, versionEntries(), false); err != nil {
			return err
		}
	}
	return nil
}

func mapNode(n *yaml.Node, what string) error {
	_, err := pairs(n, what)
	return err
}
