package stagefile

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

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
	var o flagOptions
	if !l.dvc {
		return o, nil
	}
	for _, name := range []string{dvcConfig, dvcConfigLocal} {
		text, err := l.read(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return o, err
		}
		if err := o.readConfig(name, string(text)); err != nil {
			return o, err
		}
	}
	return o, l.checkDVCLock()
}

// configKeys are the keys of DVC's settings, by section; nil: any. Sections
// with a name, as ['remote "x"'], are those of dvcNamedSections.
func configKeys() map[string][]string {
	return map[string][]string{
		"core":    {"remote", "checksum_jobs", "interactive", "analytics", "hardlink_lock", "no_scm", "autostage", "experiments", "check_update", "site_cache_dir", "machine"},
		"cache":   {"local", "s3", "gs", "hdfs", "webhdfs", "ssh", "azure", "dir", "type", "protected", "shared", "slow_link_warning", "verify"},
		"state":   {"dir", "row_limit", "row_cleanup_quota"},
		"index":   {"dir"},
		"feature": nil,
		"plots":   {"html_template", "auto_open", "out_dir"},
		"exp":     {"code", "data", "models", "metrics", "params", "plots", "live", "auto_push", "git_remote"},
		"parsing": {"bool", "list"},
		"hydra":   {"enabled", "config_dir", "config_module", "config_name", "plugins_path"},
		"studio":  {"token", "url", "repo_url", "offline"},
		"remote":  nil, "machine": nil, "db": nil,
	}
}

// configChoices are the values that some keys must have.
func configChoices() map[string][]string {
	yesNo := []string{"true", "false"}
	return map[string][]string{
		"parsing.bool": {"store_true", "boolean_optional"}, "parsing.list": {"nargs", "append"},
		"core.interactive": yesNo, "core.analytics": yesNo, "core.hardlink_lock": yesNo, "core.no_scm": yesNo,
		"core.autostage": yesNo, "core.experiments": yesNo, "core.check_update": yesNo, "cache.protected": yesNo,
		"cache.slow_link_warning": yesNo, "cache.verify": yesNo, "cache.shared": {"group"}, "plots.auto_open": yesNo,
		"exp.auto_push": yesNo, "hydra.enabled": yesNo, "studio.offline": yesNo,
	}
}

// readConfig reads the settings of DVC and remembers those on templates.
func (o *flagOptions) readConfig(name, text string) error {
	section, known := "", configKeys()
	bad := func(line int, format string, args ...any) *errs.Error {
		return errs.New(errs.Usage, "%s:%d: %s", name, line, fmt.Sprintf(format, args...))
	}
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if line[0] == '[' {
			if !strings.Contains(line, "]") {
				return bad(number, "expected [section], found %q", line)
			}
			var of string
			section, of, _ = strings.Cut(strings.Trim(line, "[] '\""), " ")
			if section = strings.ToLower(section); section == "remote" {
				o.remotes = append(o.remotes, strings.Trim(of, " '\""))
			}
			if _, ok := known[section]; !ok {
				return bad(number, "unknown section %q", section).DidYouMean(section, sortedKeys(known))
			}
			continue
		}
		key, val, ok := strings.Cut(line, "=")
		if !ok || section == "" {
			return bad(number, "expected [section] or key = value, found %q", line)
		}
		key = strings.ToLower(strings.TrimSpace(key))
		val = strings.ToLower(unquoteINI(val))
		if keys := known[section]; keys != nil && !slices.Contains(keys, key) {
			return bad(number, "section %s: unknown key %q", section, key).DidYouMean(key, keys)
		}
		if choices := configChoices()[section+"."+key]; choices != nil && !slices.Contains(choices, val) {
			return bad(number, "%s.%s: expected %s, found %q", section, key, strings.Join(choices, " or "), val)
		}
		switch section + "." + key {
		case "parsing.bool":
			o.negate = val == "boolean_optional"
		case "parsing.list":
			o.appendFlag = val == "append"
		}
	}
	return nil
}

// unquoteINI is the value after =, without quotes or a comment.
func unquoteINI(val string) string {
	val = strings.TrimSpace(val)
	if len(val) > 1 && (val[0] == '"' || val[0] == '\'') {
		if end := strings.IndexByte(val[1:], val[0]); end >= 0 {
			return val[1 : 1+end]
		}
	}
	val, _, _ = strings.Cut(val, "#")
	return strings.TrimSpace(val)
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
