package repo

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"

	"go.yaml.in/yaml/v3"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/fsx"
)

// Config are the settings of a repository. The zero value has the defaults.
type Config struct {
	Format  int               `yaml:"format" mapstructure:"format" json:"format"`
	Core    CoreConfig        `yaml:"core" mapstructure:"core" json:"core"`
	Remotes map[string]string `yaml:"remotes" mapstructure:"remotes" json:"remotes"` // name → URL
	Cache   CacheConfig       `yaml:"cache" mapstructure:"cache" json:"cache"`
	Run     RunConfig         `yaml:"run" mapstructure:"run" json:"run"`
	Compare CompareConfig     `yaml:"compare" mapstructure:"compare" json:"compare"`
	User    UserConfig        `yaml:"user" mapstructure:"user" json:"user"`
	Lineage LineageConfig     `yaml:"lineage" mapstructure:"lineage" json:"lineage"`
	DVC     DVCConfig         `yaml:"dvc" mapstructure:"dvc" json:"dvc"`
}

// DVCConfig says how to work beside DVC.
type DVCConfig struct {
	// WriteLock has run write dvc.lock and DVC's cache, too.
	WriteLock bool `yaml:"write_lock" mapstructure:"write_lock" json:"write_lock"`
}

// LineageConfig says where OpenLineage events of runs go; nowhere when empty.
type LineageConfig struct {
	URL       string `yaml:"url" mapstructure:"url" json:"url"`    // of a server
	File      string `yaml:"file" mapstructure:"file" json:"file"` // relative to the root
	Namespace string `yaml:"namespace" mapstructure:"namespace" json:"namespace"`
}

// CoreConfig are settings of the whole repository.
type CoreConfig struct {
	Remote string `yaml:"remote" mapstructure:"remote" json:"remote"` // the default remote's name
	Git    *bool  `yaml:"git" mapstructure:"git" json:"git"`          // false: made with --no-git
}

// CacheConfig says how files of the workspace are made from objects.
type CacheConfig struct {
	// Link holds reflink, copy, hardlink and symlink, tried in order; none is
	// reflink, then copy.
	Link []string `yaml:"link" mapstructure:"link" json:"link"`
}

// RunConfig are defaults of mlops run.
type RunConfig struct {
	Jobs int `yaml:"jobs" mapstructure:"jobs" json:"jobs"` // stages at once; 0: one a core
	GPUs int `yaml:"gpus" mapstructure:"gpus" json:"gpus"` // that stages may use; 0: as the system says
}

// CompareConfig says which metrics are better when larger, and when smaller.
type CompareConfig struct {
	Maximize []string `yaml:"maximize" mapstructure:"maximize" json:"maximize"`
	Minimize []string `yaml:"minimize" mapstructure:"minimize" json:"minimize"`
}

// UserConfig names who works here; git's user when empty.
type UserConfig struct {
	Name  string `yaml:"name" mapstructure:"name" json:"name"`
	Email string `yaml:"email" mapstructure:"email" json:"email"`
}

// EditConfig sets the value at keys, such as ["core", "remote"], in the YAML
// file at the file system's path file, or removes it when value is nil. It
// keeps comments and order, and works for one process at a time.
func EditConfig(ctx context.Context, file string, keys []string, value any) error {
	if len(keys) == 0 {
		return errs.New(errs.Usage, "edit %s: no key", file)
	}
	lock, err := fsx.LockFile(ctx, filepath.Join(filepath.Dir(file), ".config.lock"), fsx.Exclusive, "mlops config")
	if err != nil {
		return err
	}
	err = editConfig(file, keys, value)
	if uerr := lock.Unlock(); err == nil {
		err = uerr
	}
	return err
}

func editConfig(file string, keys []string, value any) error {
	text, perm, err := readText(file)
	if err != nil {
		return err
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return errs.New(errs.Usage, "edit %s: %w", file, err)
	}
	if doc.Kind == 0 || len(doc.Content) == 0 || doc.Content[0].Tag == "!!null" {
		comment := doc.HeadComment
		doc = yaml.Node{Kind: yaml.DocumentNode, HeadComment: comment, Content: []*yaml.Node{{Kind: yaml.MappingNode}}}
	}
	top := doc.Content[0]
	if top.Kind != yaml.MappingNode {
		return errs.New(errs.Usage, "edit %s: it is not a list of 'key: value' lines", file)
	}
	if err := editKeys(top, keys, value); err != nil {
		return errs.New(errs.Usage, "edit %s: %w", file, err)
	}
	out, err := encodeYAML(&doc)
	if err != nil {
		return err
	}
	if len(top.Content) == 0 {
		out = nil
	}
	if bytes.Equal(out, text) {
		return nil
	}
	return fsx.WriteFile(file, out, perm)
}

func editKeys(n *yaml.Node, keys []string, value any) error {
	if len(keys) == 1 {
		if value == nil {
			dropKey(n, keys[0])
			return nil
		}
		return setKey(n, keys[0], value)
	}
	at := valueOf(n, keys[0])
	if at == nil {
		if value == nil {
			return nil
		}
		at = &yaml.Node{Kind: yaml.MappingNode}
		n.Content = append(n.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: keys[0]}, at)
	}
	if at.Tag == "!!null" {
		*at = yaml.Node{Kind: yaml.MappingNode}
	}
	if at.Kind != yaml.MappingNode {
		return fmt.Errorf("line %d: %s has a value, not keys below it", at.Line, keys[0])
	}
	if err := editKeys(at, keys[1:], value); err != nil {
		return err
	}
	if value == nil && len(at.Content) == 0 {
		dropKey(n, keys[0])
	}
	return nil
}

func valueOf(n *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

// setKey sets a key of a mapping, keeping the comments beside an old value.
func setKey(n *yaml.Node, key string, value any) error {
	var v yaml.Node
	if err := v.Encode(value); err != nil {
		return err
	}
	if old := valueOf(n, key); old != nil {
		v.HeadComment, v.LineComment, v.FootComment = old.HeadComment, old.LineComment, old.FootComment
		if old.Kind == yaml.ScalarNode && v.Kind == yaml.ScalarNode && old.Value == v.Value && old.ShortTag() == v.ShortTag() {
			v.Style = old.Style
		}
		*old = v
		return nil
	}
	n.Content = append(n.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: key}, &v)
	return nil
}

func dropKey(n *yaml.Node, key string) {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			n.Content = append(n.Content[:i:i], n.Content[i+2:]...)
			return
		}
	}
}

func encodeYAML(n *yaml.Node) ([]byte, error) {
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode(n); err != nil {
		return nil, err
	}
	if err := e.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
