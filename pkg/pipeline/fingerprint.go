package pipeline

import (
	"encoding/hex"
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/paramfile"
	"github.com/mlops-cli/mlops/pkg/stagefile"
)

// commands are the commands of a stage one by one: the items of a list, or the
// lines of a text.
func commands(s *stagefile.Stage) []string {
	if s.CmdIsList {
		return s.Cmd
	}
	var out []string
	for line := range strings.Lines(s.Cmd[0]) {
		if line = strings.TrimSpace(line); line != "" {
			out = append(out, line)
		}
	}
	return out
}

// fingerprint hashes all that decides the result of a stage. The text that is
// hashed is specified in docs/format/lock.md.
func fingerprint(s *stagefile.Stage, r *stagefile.Record) string {
	b := []byte("mlops stage 1\n")
	line := func(word string, fields ...string) {
		b = append(b, word...)
		for _, f := range fields {
			b = paramfile.AppendString(append(b, ' '), f)
		}
		b = append(b, '\n')
	}
	line("wdir", s.Wdir)
	if s.Shell != "" {
		line("shell", s.Shell)
	}
	if s.Image != "" {
		line("image", s.Image)
	}
	for _, c := range r.Cmd {
		line("cmd", c)
	}
	deps := slices.Clone(r.Deps)
	sort.Slice(deps, func(i, j int) bool { return deps[i].Path < deps[j].Path })
	for _, d := range deps {
		line("dep", d.Path, string(d.Kind), d.ID.String())
	}
	for _, file := range sortedKeys(r.Params) {
		for _, key := range sortedKeys(r.Params[file]) {
			line("param", file, key, paramfile.Encode(r.Params[file][key]))
		}
	}
	for _, name := range sortedKeys(r.Env) {
		line("env", name, r.Env[name])
	}
	outs := make([]string, 0, len(s.Outs))
	for _, o := range s.Outs {
		outs = append(outs, string(paramfile.AppendString(nil, o.Path))+fmt.Sprintf(" %t %t", !o.NoCache, o.Persist))
	}
	sort.Strings(outs)
	for _, o := range outs {
		b = append(append(append(b, "out "...), o...), '\n')
	}
	id := oid.Sum(b)
	return hex.EncodeToString(id[:])
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}
