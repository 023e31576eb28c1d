package stagefile

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/mlops-cli/mlops/pkg/paramfile"
)

// What a map stage was expanded over, in the lock.
const (
	mapList    = "list"
	mapMapping = "mapping"
)

// aliasMark begins the mark of what another tool calls a dependency.
const aliasMark = "as:"

// lockHeader is the first line of every lock.
const lockHeader = "# mlops.lock 1: made by mlops, merges line by line"

// Lock is the content of an mlops.lock: at most one record for a stage.
type Lock struct{ records map[string]*Record }

// NewLock returns an empty lock.
func NewLock() *Lock { return &Lock{records: map[string]*Record{}} }

// Stage returns the record of the stage of that name.
func (l *Lock) Stage(name string) (Record, bool) {
	r, ok := l.records[name]
	if !ok {
		return Record{}, false
	}
	return *r, true
}

// Records returns every record, sorted by stage.
func (l *Lock) Records() []Record {
	out := make([]Record, 0, len(l.records))
	for _, name := range l.names() {
		out = append(out, *l.records[name])
	}
	return out
}

// Set puts r in the place of the stage's record.
func (l *Lock) Set(r Record) {
	r.Doubled = false
	l.records[r.Stage] = &r
}

// Remove drops the record of the stage, if there is one.
func (l *Lock) Remove(name string) { delete(l.records, name) }

func (l *Lock) names() []string {
	names := make([]string, 0, len(l.records))
	for name := range l.records {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// Encode writes the lock: its one valid spelling. A doubled record keeps being
// doubled.
func (l *Lock) Encode() []byte {
	b := append([]byte(lockHeader), '\n')
	for _, name := range l.names() {
		r := l.records[name]
		b = append(b, "\n# "...)
		b = append(appendToken(b, name), '\n')
		lines := r.lines()
		if r.Doubled {
			b = appendLine(b, name, "fingerprint", r.Fingerprint, "doubled")
		} else {
			b = appendLine(b, name, "fingerprint", r.Fingerprint, checkSum(r.Fingerprint, lines))
		}
		for _, line := range lines {
			b = append(append(b, line...), '\n')
		}
	}
	return b
}

// lines are all lines of the record but that of the fingerprint.
func (r *Record) lines() []string {
	var lines []string
	add := func(word string, fields ...string) {
		line := appendLine(nil, r.Stage, word, fields...)
		lines = append(lines, string(line[:len(line)-1]))
	}
	if len(r.Cmd) > 0 {
		add("cmd", r.Cmd...)
	}
	for _, a := range sortedAssets(r.Deps) {
		add("dep", a.fields()...)
	}
	for _, file := range sortedKeys(r.Params) {
		for _, key := range sortedKeys(r.Params[file]) {
			line := appendLine(nil, r.Stage, "param", file, key)
			line[len(line)-1] = ' '
			lines = append(lines, string(paramfile.AppendValue(line, r.Params[file][key])))
		}
	}
	for _, name := range sortedKeys(r.Env) {
		add("env", name, r.Env[name])
	}
	for _, a := range sortedAssets(r.Outs) {
		add("out", a.fields()...)
	}
	value := func(v any, fields ...string) {
		line := appendLine(nil, r.Stage, fields[0], fields[1:]...)
		line[len(line)-1] = ' '
		lines = append(lines, string(paramfile.AppendValue(line, v)))
	}
	switch list := r.List.(type) {
	case []any:
		add("map", mapList)
		for _, v := range list {
			value(v, "item")
		}
	case *paramfile.Map:
		add("map", mapMapping)
		for _, key := range list.Keys() {
			v, _ := list.Get(key)
			value(v, "item", key)
		}
	}
	return lines
}

func (a Asset) fields() []string {
	f := []string{a.Path, string(a.Kind), strconv.FormatInt(a.Size, 10), strconv.FormatInt(a.Files, 10), a.ID.String()}
	if a.NoCache {
		f = append(f, "nocache")
	}
	if a.NoPush {
		f = append(f, "nopush")
	}
	if !a.Alias.IsZero() {
		f = append(f, aliasMark+a.Alias.String())
	}
	return f
}

// checkSum binds the lines of a record together, so that a mixture of two
// records is seen to be one.
func checkSum(fingerprint string, lines []string) string {
	var text strings.Builder
	for _, line := range lines {
		text.WriteString(line)
		text.WriteByte('\n')
	}
	return checkSumOf(fingerprint, text.String())
}

// checkSumOf is checkSum of lines as they are written.
func checkSumOf(fingerprint, lines string) string {
	b := make([]byte, 0, len(fingerprint)+1+len(lines))
	b = append(append(append(b, fingerprint...), '\n'), lines...)
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:8])
}

func sortedAssets(in []Asset) []Asset {
	out := slices.Clone(in)
	slices.SortStableFunc(out, func(a, b Asset) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), a.ID.Compare(b.ID), cmp.Compare(a.Kind, b.Kind))
	})
	return slices.Compact(out)
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

func appendLine(b []byte, stage, word string, fields ...string) []byte {
	b = appendToken(b, stage)
	b = append(append(b, ' '), word...)
	for _, f := range fields {
		b = appendToken(append(b, ' '), f)
	}
	return append(b, '\n')
}

// appendToken writes s bare where a reader can tell its end, else as a JSON
// string.
func appendToken(b []byte, s string) []byte {
	bare := s != "" && s[0] != '#'
	for i := 0; bare && i < len(s); i++ {
		c := s[i]
		bare = c > ' ' && c < 0x7f && c != '"' && c != '\\'
	}
	if bare {
		return append(b, s...)
	}
	return paramfile.AppendString(b, strings.ToValidUTF8(s, "\ufffd"))
}
