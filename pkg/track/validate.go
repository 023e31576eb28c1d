package track

import (
	"path"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/mlops-cli/mlops/pkg/errs"
)

// MLflow's limits. Lengths count characters; the batch limits bind only
// requests over its protocol, not Recorder.Log.
const (
	MaxKey        = 250
	MaxName       = 250
	MaxExperiment = 500
	MaxParam      = 6000
	MaxTag        = 8000

	MaxBatch        = 1000
	MaxBatchMetrics = 1000
	MaxBatchParams  = 100
	MaxBatchTags    = 100
)

const keyHint = "keys hold letters, digits, '_', '/', '.', '-', ':' and spaces, and look like a clean path"

// CheckKey says what is wrong with the key of a param, metric or tag. What
// names the key's kind in the message.
func CheckKey(what, key string) error {
	switch {
	case key == "":
		return errs.New(errs.Usage, "%s without a name", what)
	case !utf8.ValidString(key):
		return errs.New(errs.Usage, "%s %q is not UTF-8", what, key)
	case utf8.RuneCountInString(key) > MaxKey:
		return errs.New(errs.Usage, "%s %.40q… has %d characters, at most %d are allowed", what, key, utf8.RuneCountInString(key), MaxKey)
	}
	for _, r := range key {
		if !keyRune(r) {
			return errs.New(errs.Usage, "%s %q has the character %q", what, key, r).Hint(keyHint)
		}
	}
	if path.Clean(key) != key || key == "." || key == ".." || strings.HasPrefix(key, "../") || key[0] == '/' {
		return errs.New(errs.Usage, "%s %q is not a clean path", what, key).Hint(keyHint)
	}
	return nil
}

func keyRune(r rune) bool {
	return r == '_' || r == '/' || r == '.' || r == '-' || r == ' ' || r == ':' || unicode.IsLetter(r) || unicode.IsDigit(r)
}

// CheckName says what is wrong with the name of a run or an experiment that
// may have limit characters.
func CheckName(what, name string, limit int) error {
	switch {
	case strings.TrimSpace(name) == "":
		return errs.New(errs.Usage, "%s without a name", what)
	case !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl):
		return errs.New(errs.Usage, "%s %q has characters that cannot be printed", what, name)
	case utf8.RuneCountInString(name) > limit:
		return errs.New(errs.Usage, "%s %.40q… has %d characters, at most %d are allowed", what, name, utf8.RuneCountInString(name), limit)
	}
	return nil
}

// CheckID says whether id is 32 lower-case hex digits.
func CheckID(id string) error {
	if len(id) != 32 || strings.Trim(id, "0123456789abcdef") != "" {
		return errs.New(errs.Usage, "run id %q is not 32 hex digits", id)
	}
	return nil
}

// Check says what in the batch may not be stored.
func (b Batch) Check() error {
	if b.Name != "" {
		if err := CheckName("run", b.Name, MaxName); err != nil {
			return err
		}
	}
	values := make(map[string]string, len(b.Params))
	for _, p := range b.Params {
		if err := CheckKey("param", p.Key); err != nil {
			return err
		}
		if err := checkText("param", p.Key, p.Value, MaxParam); err != nil {
			return err
		}
		if old, ok := values[p.Key]; ok && old != p.Value {
			return errs.New(errs.Usage, "param %q is given twice, as %q and as %q", p.Key, old, p.Value)
		}
		values[p.Key] = p.Value
	}
	for _, m := range b.Metrics {
		if err := CheckKey("metric", m.Key); err != nil {
			return err
		}
	}
	for _, t := range b.Tags {
		if err := CheckKey("tag", t.Key); err != nil {
			return err
		}
		if err := checkText("tag", t.Key, t.Value, MaxTag); err != nil {
			return err
		}
	}
	for _, a := range b.Assets {
		if a.Path == "" || a.Role == "" {
			return errs.New(errs.Usage, "asset %q without a path or a role", a.Path)
		}
	}
	return nil
}

func checkText(what, key, text string, limit int) error {
	if n := utf8.RuneCountInString(text); n > limit {
		return errs.New(errs.Usage, "the value of %s %q has %d characters, at most %d are allowed", what, key, n, limit).
			Hint("keep long text in a file: mlops log artifact FILE")
	}
	return nil
}

// Fit makes a batch that came from files storable: keys go through FitKey,
// and long values are cut as MLflow cuts them.
func (b Batch) Fit() Batch {
	params := make([]Param, len(b.Params))
	for i, p := range b.Params {
		params[i] = Param{FitKey(p.Key), cut(p.Value, MaxParam)}
	}
	metrics := make([]Metric, len(b.Metrics))
	for i, m := range b.Metrics {
		m.Key = FitKey(m.Key)
		metrics[i] = m
	}
	tags := make([]Tag, len(b.Tags))
	for i, t := range b.Tags {
		t.Key, t.Value = FitKey(t.Key), cut(t.Value, MaxTag)
		tags[i] = t
	}
	b.Params, b.Metrics, b.Tags = params, metrics, tags
	return b
}

// FitKey turns any text into an allowed key: [3] becomes .3, characters that
// are not allowed become '_', and the path is cleaned. An allowed key stays.
func FitKey(s string) string {
	if CheckKey("", s) == nil {
		return s
	}
	fit := strings.Map(func(r rune) rune {
		if keyRune(r) {
			return r
		}
		return '_'
	}, dotIndexes(strings.ToValidUTF8(s, "_")))
	key := strings.TrimLeft(path.Clean("/"+fit), "/")
	key = cut(key, MaxKey)
	if CheckKey("", key) != nil {
		return "_"
	}
	return key
}

// dotIndexes writes a[0][1].b as a.0.1.b.
func dotIndexes(s string) string {
	for from := 0; ; {
		open := strings.IndexByte(s[from:], '[')
		if open < 0 {
			return s
		}
		open += from
		length := strings.IndexByte(s[open:], ']')
		if length < 0 {
			return s
		}
		if _, err := strconv.ParseUint(s[open+1:open+length], 10, 32); err == nil {
			s = s[:open] + "." + s[open+1:open+length] + s[open+length+1:]
		}
		from = open + 1
	}
}

// cut returns the first limit characters of s, as valid UTF-8.
func cut(s string, limit int) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) <= limit {
		return s
	}
	for i := range s {
		if limit == 0 {
			return s[:i]
		}
		limit--
	}
	return s
}
