package cmd

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/viper"
	"go.yaml.in/yaml/v3"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/repo"
)

// Where a setting can come from, the strongest first. A flag of a command is
// stronger than all of them.
const (
	fromEnv     = "environment"
	fromLocal   = "local"
	fromRepo    = "repository"
	fromUser    = "user"
	fromDefault = "default"
)

// layer is the settings of one file, by their full key.
type layer struct {
	origin string
	file   string
	values map[string]any
	// unknown are keys of a newer version, or mistyped: 'mlops doctor' names them.
	unknown []string
}

// settings is what all places say, strongest first.
type settings struct {
	layers []layer
	viper  *viper.Viper
}

// readSettings reads the settings of r, which may be nil outside of a
// repository. It does not change r.
func readSettings(r *repo.Repo) (*settings, error) {
	s := &settings{viper: viper.New()}
	type place struct{ origin, file string }
	var places []place
	if r != nil {
		places = append(places,
			place{fromLocal, filepath.Join(r.MetaDir(), repo.LocalFile)},
			place{fromRepo, filepath.Join(r.MetaDir(), repo.ConfigFile)})
	}
	if file, err := userFile(); err == nil {
		places = append(places, place{fromUser, file})
	}
	for _, p := range places {
		l, err := readLayer(p.origin, p.file)
		if err != nil {
			return nil, err
		}
		s.layers = append(s.layers, l)
	}
	for _, l := range slices.Backward(s.layers) {
		for key, value := range l.values {
			if !strings.HasPrefix(key, remotesPrefix) { // names keep their case, which viper does not
				s.viper.Set(key, value)
			}
		}
	}
	// The environment is strongest, so it is set last.
	env := layer{origin: fromEnv, file: "", values: map[string]any{}}
	for _, known := range knownSettings() {
		text := os.Getenv(envName(known.key))
		if text == "" {
			continue
		}
		value, err := known.parse(text)
		if err != nil {
			return nil, errs.New(errs.Usage, "environment variable %s: %w", envName(known.key), err)
		}
		env.values[known.key] = value
		s.viper.Set(known.key, value)
	}
	s.layers = slices.Insert(s.layers, 0, env)
	return s, nil
}

// userFile is the file with the user's settings for all repositories.
func userFile() (string, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", errs.New(errs.Usage, "find the directory of your settings: %w", err)
	}
	return filepath.Join(dir, "mlops", repo.ConfigFile), nil
}

// envName is the environment variable of a setting: core.remote is MLOPS_CORE_REMOTE.
func envName(key string) string {
	return "MLOPS_" + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

// readLayer reads one file, which may be missing.
func readLayer(origin, file string) (layer, error) {
	l := layer{origin: origin, file: file, values: map[string]any{}}
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return l, nil
	}
	if err != nil {
		return l, errs.New(errs.Internal, "read settings: %w", err)
	}
	var top map[string]yaml.Node
	if err := yaml.Unmarshal(text, &top); err != nil {
		return l, errs.New(errs.Usage, "read settings %s: %w", file, err)
	}
	for section, node := range top {
		if node.Kind != yaml.MappingNode {
			continue // "format: 1", and what newer versions may add
		}
		var below map[string]yaml.Node
		if err := node.Decode(&below); err != nil {
			return l, errs.New(errs.Usage, "read settings %s: %w", file, err)
		}
		for name, value := range below {
			key := section + "." + name
			known, ok := findSetting(key)
			if !ok {
				l.unknown = append(l.unknown, key)
				continue
			}
			parsed, err := known.decode(&value)
			if err != nil {
				return l, errs.New(errs.Usage, "%s:%d: %s: %w", file, value.Line, key, err)
			}
			l.values[key] = parsed
		}
	}
	return l, nil
}

// fill writes the settings that hold into c.
func (s *settings) fill(c *repo.Config) error {
	if err := s.viper.Unmarshal(c); err != nil {
		return errs.New(errs.Usage, "read settings: %w", err)
	}
	c.Remotes = map[string]string{}
	for _, l := range slices.Backward(s.layers) {
		for key, value := range l.values {
			if name, ok := strings.CutPrefix(key, remotesPrefix); ok {
				if url, ok := value.(string); ok {
					c.Remotes[name] = url
				}
			}
		}
	}
	return nil
}

// lookUp is the value of a setting and the layer that it is from.
func (s *settings) lookUp(key string) (value any, from layer, ok bool) {
	for _, l := range s.layers {
		if v, ok := l.values[key]; ok {
			return v, l, true
		}
	}
	if known, ok := findSetting(key); ok && known.usual != nil {
		return known.usual, layer{origin: fromDefault}, true
	}
	return nil, layer{}, false
}

// keys lists every setting that has a value, in order.
func (s *settings) keys() []string {
	all := map[string]bool{}
	for _, l := range s.layers {
		for key := range l.values {
			all[key] = true
		}
	}
	for _, known := range knownSettings() {
		if known.usual != nil {
			all[known.key] = true
		}
	}
	return sortedKeys(all)
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
