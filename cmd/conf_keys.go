package cmd

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/lineage"
	"github.com/mlops-cli/mlops/pkg/remote"
)

const remotesPrefix = "remotes."

// setting is a key that may be set.
type setting struct {
	key   string
	about string
	usual any // the default; nil when there is none
	// parse makes the value from a word of the command line or the environment.
	parse func(text string) (any, error)
}

// knownSettings lists the keys, but for remotes.NAME.
func knownSettings() []setting {
	return []setting{
		{"cache.link", "how workspace files are made from stored ones: reflink, copy, hardlink, symlink, tried in order", []string{"reflink", "copy"}, parseLinks},
		{"compare.maximize", "metrics that are better when larger", nil, parseList},
		{"compare.minimize", "metrics that are better when smaller", nil, parseList},
		{"core.git", "the repository is versioned by git", true, parseBool},
		{"core.remote", "the remote that push and pull use", nil, parseText},
		{"dvc.write_lock", "run writes dvc.lock and DVC's cache, too, for those who use DVC", false, parseBool},
		{"lineage.file", "file that OpenLineage events of runs are appended to", nil, parseText},
		{"lineage.namespace", "namespace of jobs and datasets in OpenLineage events, instead of the URL of git's remote", nil, parseText},
		{"lineage.url", "server that OpenLineage events of runs are sent to", nil, parseServer},
		{"run.gpus", "how many GPUs stages may use; 0 is what CUDA_VISIBLE_DEVICES or nvidia-smi lists", 0, parseCount},
		{"run.jobs", "how many stages run at once; 0 is one a core", 0, parseCount},
		{"user.email", "your address in run records, instead of git's", nil, parseText},
		{"user.name", "your name in run records, instead of git's", nil, parseText},
	}
}

// findSetting returns what is known of key.
func findSetting(key string) (setting, bool) {
	if name, ok := strings.CutPrefix(key, remotesPrefix); ok && name != "" {
		return setting{key: key, about: "the URL of the remote " + name, parse: parseURL}, true
	}
	for _, s := range knownSettings() {
		if s.key == key {
			return s, true
		}
	}
	return setting{}, false
}

// needSetting is findSetting with an error that names the nearest key.
func needSetting(key string) (setting, error) {
	s, ok := findSetting(key)
	if ok {
		return s, nil
	}
	names := []string{remotesPrefix + "NAME"}
	for _, known := range knownSettings() {
		names = append(names, known.key)
	}
	return s, errs.New(errs.NotFound, "there is no setting %q", key).
		DidYouMean(key, names).Hint("'mlops config list' shows the settings")
}

// decode makes the value from a YAML node: a scalar, or a list of them.
func (s setting) decode(n *yaml.Node) (any, error) {
	switch n.Kind {
	case yaml.ScalarNode:
		return s.parse(n.Value)
	case yaml.SequenceNode:
		var words []string
		if err := n.Decode(&words); err != nil {
			return nil, err
		}
		return s.parse(strings.Join(words, ","))
	default:
		return nil, errors.New("want a value or a list of values")
	}
}

func parseText(text string) (any, error) { return text, nil }

func parseURL(text string) (any, error) {
	_, err := remote.ParseURL(text)
	return text, err
}

func parseServer(text string) (any, error) {
	_, err := lineage.ParseURL(text)
	return text, err
}

func parseBool(text string) (any, error) {
	switch strings.ToLower(text) {
	case "true", "yes", "on", "1":
		return true, nil
	case "false", "no", "off", "0":
		return false, nil
	default:
		return nil, fmt.Errorf("%q is neither true nor false", text)
	}
}

func parseCount(text string) (any, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return nil, fmt.Errorf("%q is not a number of 0 or more", text)
	}
	return n, nil
}

func parseList(text string) (any, error) {
	words := []string{}
	for word := range strings.SplitSeq(text, ",") {
		if word = strings.TrimSpace(word); word != "" {
			words = append(words, word)
		}
	}
	return words, nil
}

func parseLinks(text string) (any, error) {
	v, err := parseList(text)
	if err != nil {
		return nil, err
	}
	known := []string{"reflink", "copy", "hardlink", "symlink"}
	words, ok := v.([]string)
	for _, w := range words {
		if !slices.Contains(known, w) {
			return nil, fmt.Errorf("%q is none of %s", w, strings.Join(known, ", "))
		}
	}
	if !ok || len(words) == 0 {
		return nil, fmt.Errorf("want one or more of %s", strings.Join(known, ", "))
	}
	return words, nil
}

// showSetting writes a value as config set reads it.
func showSetting(v any) string {
	if words, ok := v.([]string); ok {
		return strings.Join(words, ",")
	}
	return fmt.Sprint(v)
}
