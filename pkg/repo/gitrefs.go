package repo

import (
	"context"
	"strconv"
	"strings"
)

// Ref is a name in git for a commit.
type Ref struct {
	Name   string // whole, such as refs/heads/main
	Commit string
	Parent string // the first one, "" for none
	Time   int64  // of the commit, ms since 1970
	Author string
}

// Refs lists the refs below a prefix, such as refs/tags, by name. Those that
// name no commit are left out.
func (g Git) Refs(ctx context.Context, prefix string) ([]Ref, error) {
	if !g.Exists() {
		return nil, nil
	}
	const format = "--format=%(refname)%00%(objecttype)%00%(objectname)%00%(parent)%00%(committerdate:unix)%00%(authorname)"
	out, err := g.run(ctx, "for-each-ref", format, prefix)
	if err != nil {
		return nil, err
	}
	var refs []Ref
	for line := range strings.Lines(out) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\x00")
		if len(f) != 6 || f[1] != "commit" {
			continue
		}
		seconds, _ := strconv.ParseInt(f[4], 10, 64) // a commit without a date is of 1970
		parent, _, _ := strings.Cut(f[3], " ")
		refs = append(refs, Ref{Name: f[0], Commit: f[2], Parent: parent, Time: seconds * 1000, Author: f[5]})
	}
	return refs, nil
}
