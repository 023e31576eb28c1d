package ui

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/track"
	"github.com/mlops-cli/mlops/pkg/workspace"
)

// trackedPage is all that is tracked.
type trackedPage struct {
	Missing bool // there is no repository
	Rows    []trackedRow
	Size    int64
	Files   int64
	Changed int
	Problem string
}

type trackedRow struct {
	workspace.Listed

	State string // same, or how it differs from its pointer
}

// tracked lists what a revision tracks; "" is the workspace.
func (u *pages) tracked(ctx context.Context, rev string, paths ...string) (all []workspace.Listed, err error) {
	err = u.Data.List(ctx, workspace.ListRequest{Dir: u.Root, Rev: rev, Paths: paths}, func(l workspace.Listed) error {
		all = append(all, l)
		return nil
	})
	return all, err
}

// dataLinks returns what finds the page of a path, or of the directory that it
// is tracked in; "" for what is not tracked, such as code.
func (u *pages) dataLinks(ctx context.Context) func(path string) string {
	var all []workspace.Listed
	if u.Data != nil {
		all, _ = u.tracked(ctx, "") // the page of data tells what is wrong
	}
	return func(path string) string {
		for _, l := range all {
			if at := string(l.Path); path == at || strings.HasPrefix(path, at+"/") {
				return "/data/" + escapePath(at)
			}
		}
		return ""
	}
}

func (u *pages) data(w http.ResponseWriter, r *http.Request) error {
	b := trackedPage{Missing: u.Data == nil}
	if !b.Missing {
		all, err := u.tracked(r.Context(), "")
		if err != nil {
			return err
		}
		state := map[string]string{}
		status, err := u.Data.Status(r.Context(), workspace.StatusRequest{Dir: u.Root})
		if err != nil {
			b.Problem = err.Error()
		}
		for _, c := range status.Changes {
			at := string(c.Target)
			if c.Path == c.Target {
				state[at] = c.Kind
			} else if state[at] == "" {
				state[at] = workspace.ChangeModified
			}
		}
		b.Changed = len(state)
		for _, l := range all {
			row := trackedRow{Listed: l, State: "same"}
			if s := state[string(l.Path)]; s != "" {
				row.State = s
			}
			b.Size += l.Size
			b.Files += l.Files
			b.Rows = append(b.Rows, row)
		}
	}
	return u.show(w, r, http.StatusOK, "data.html", page{Title: "Data", Nav: "data", Body: b})
}

// versionsPage is one tracked path: its versions, what is in it, who used it.
type versionsPage struct {
	Path     string
	Now      *workspace.Listed
	Versions []version
	Content  []workspace.Listed
	More     bool
	Used     []usedRow
	From, To string
	Diff     *workspace.DiffResult
	Changes  []workspace.Change
	Problem  string
}

// version is a content that a path had, with the commit that brought it.
type version struct {
	workspace.Version

	Grown int64 // against the version before
	First bool
	Prev  string // commit of the version before
}

type usedRow struct {
	Run  track.Run
	Role track.Role
}

// Of a path a page shows so much.
const (
	maxVersions = 30
	maxContent  = 500
	maxUsed     = 20
)

func (u *pages) dataPath(w http.ResponseWriter, r *http.Request) error {
	if u.Data == nil {
		return errs.New(errs.NotFound, "there is no repository here, so nothing is tracked")
	}
	b := versionsPage{Path: r.PathValue("path"), From: r.URL.Query().Get("from"), To: r.URL.Query().Get("to")}
	now, err := u.findTracked(r.Context(), "", b.Path)
	if err != nil {
		return err
	}
	b.Now = now
	if err := u.versions(r.Context(), &b); err != nil {
		b.Problem = err.Error()
	}
	if now == nil && len(b.Versions) == 0 {
		return errs.New(errs.NotFound, "%s is not tracked", b.Path).Hint("mlops add %s", workspace.Quote([]string{b.Path}))
	}
	if now != nil {
		if err := u.content(r.Context(), &b); err != nil {
			return err
		}
	}
	return u.show(w, r, http.StatusOK, "data_path.html", page{Title: b.Path, Nav: "data", Crumbs: []crumb{{"Data", "/data"}}, Body: b})
}

// content fills in what is in a path, how it differs and who used it.
func (u *pages) content(ctx context.Context, b *versionsPage) error {
	if b.Now.Kind == "dir" {
		list, err := u.tracked(ctx, "", b.Path)
		if err != nil && !errs.Is(err, errs.NotFound) {
			return err
		}
		b.Content, b.More = list[:min(len(list), maxContent)], len(list) > maxContent
	}
	if b.From != "" || b.To != "" {
		diff, err := u.Data.Diff(ctx, workspace.DiffRequest{Dir: u.Root, From: b.From, To: b.To, Paths: []string{b.Path}})
		if err != nil {
			return err
		}
		b.Diff, b.Changes = &diff, diff.Changes[:min(len(diff.Changes), maxContent)]
	}
	runs, err := u.Runs.Runs(ctx, track.Query{Bare: true, Assets: true, Limit: maxUsed, Filter: track.Filter{{Entity: track.Datasets, Key: "name", Op: track.Equal, Text: b.Path}}})
	if err != nil {
		return err
	}
	runs = visible(ctx, runs)
	for i := range runs {
		for _, a := range runs[i].Assets {
			if a.Path == b.Path {
				b.Used = append(b.Used, usedRow{runs[i], a.Role})
				break
			}
		}
	}
	return nil
}

// findTracked finds a path among what a revision tracks; nil when it does not.
func (u *pages) findTracked(ctx context.Context, rev, path string) (*workspace.Listed, error) {
	all, err := u.tracked(ctx, rev)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(all, func(l workspace.Listed) bool { return string(l.Path) == path })
	if i < 0 {
		return nil, nil
	}
	return &all[i], nil
}

// versions fills in which contents a path had, each with what it grew by.
func (u *pages) versions(ctx context.Context, b *versionsPage) error {
	found, err := u.Data.Versions(ctx, b.Path, maxVersions)
	for i, v := range found {
		row := version{Version: v, First: i+1 == len(found)}
		if !row.First {
			before := found[i+1]
			row.Prev, row.Grown = before.Commit, v.Size-before.Size
		}
		b.Versions = append(b.Versions, row)
	}
	return err
}
