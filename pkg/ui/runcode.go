package ui

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/reproduce"
	"github.com/mlops-cli/mlops/pkg/route"
	"github.com/mlops-cli/mlops/pkg/track"
)

// codePage is the code of a run: what differed from its commit, or how it
// differs from that of another run.
type codePage struct {
	*runHead

	Against *track.Run // the other run; nil: the commit
	Others  []track.Run
	Diff    *reproduce.Difference
	Lines   []diffLine
	Cut     bool
	Why     string // there is nothing to show
}

// diffLine is a line of a patch: file, hunk, add, del or "".
type diffLine struct{ Class, Text string }

// maxDiff is how many lines of a patch a page shows.
const maxDiff = 5000

func diffLines(patch string) (lines []diffLine, cut bool) {
	for line := range strings.SplitSeq(strings.TrimSuffix(patch, "\n"), "\n") {
		if len(lines) >= maxDiff {
			return lines, true
		}
		line = strings.ToValidUTF8(strings.TrimSuffix(line, "\r"), "\ufffd")
		class := ""
		switch {
		case strings.HasPrefix(line, "diff --git "):
			class = "file"
			if _, name, ok := strings.Cut(line, " b/"); ok {
				line = name
			}
		case strings.HasPrefix(line, "index "), strings.HasPrefix(line, "--- "), strings.HasPrefix(line, "+++ "):
			continue
		case strings.HasPrefix(line, "@@"):
			class = "hunk"
		case strings.HasPrefix(line, "+"):
			class = "add"
		case strings.HasPrefix(line, "-"):
			class = "del"
		}
		lines = append(lines, diffLine{class, line})
	}
	return lines, false
}

func (u *pages) runCode(w http.ResponseWriter, r *http.Request) error {
	return u.showRun(w, r, "code", "run_code.html", nil, func(h *runHead) (any, error) {
		b := codePage{runHead: h}
		recent, err := u.Runs.Runs(r.Context(), track.Query{Experiment: h.Run.Experiment, Bare: true, Limit: 50})
		if err != nil {
			return nil, err
		}
		for i := range recent {
			if recent[i].ID != h.Run.ID {
				b.Others = append(b.Others, recent[i])
			}
		}
		other := r.URL.Query().Get("against")
		if other == "" {
			return b, u.ownPatch(r.Context(), &b)
		}
		id, err := u.Runs.Resolve(r.Context(), other)
		if err != nil {
			return nil, err
		}
		if err := route.Allow(r.Context(), route.Read, route.Subject{Kind: route.Run, ID: id}); err != nil {
			return nil, err
		}
		against, err := u.Runs.Run(r.Context(), id)
		if err != nil {
			return nil, err
		}
		b.Against = &against
		if u.Code == nil {
			b.Why = "Here are runs, but no repository with their code."
			return b, nil
		}
		d, err := u.Code.Diff(r.Context(), &against, h.Run, true)
		if err != nil {
			return nil, err
		}
		b.Diff = &d
		switch {
		case !d.Code.Known:
			b.Why = d.Code.Why
		case d.Code.Patch == "":
			b.Why = "The code of both runs is the same."
		default:
			b.Lines, b.Cut = diffLines(d.Code.Patch)
		}
		return b, nil
	})
}

// ownPatch reads what differed from the commit when the run began.
func (u *pages) ownPatch(ctx context.Context, b *codePage) error {
	if b.Run.Git.Commit == "" {
		b.Why = "The run did not say which code it was."
		return nil
	}
	if u.Files == nil {
		return nil
	}
	owner := track.Owner{ID: b.Run.ID}
	f, err := u.Files.Find(ctx, owner, track.CodePatch)
	var in io.ReadSeekCloser
	if err == nil {
		in, err = u.Files.Open(ctx, f)
	}
	var data []byte
	if err == nil {
		data, err = io.ReadAll(io.LimitReader(in, maxRead))
		err = errors.Join(err, in.Close())
	}
	switch {
	case errs.Is(err, errs.NotFound):
		b.Why = "The code was that of the commit: nothing was changed."
		if b.Run.Git.Dirty {
			b.Why = "Files differed from the commit; what differed was not kept, or is not on this machine."
		}
		return nil
	case err != nil:
		return err
	}
	b.Lines, b.Cut = diffLines(string(data))
	return nil
}
