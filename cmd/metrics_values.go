package cmd

import (
	"context"
	"errors"
	"io"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mlops-cli/mlops/pkg/compare"
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/repo"
)

// valuesOptions are those of metrics and params, show and diff.
type valuesOptions struct {
	app  *app
	what compare.What
	word string // metric or param

	repo.RefQuery
	targets   []string
	all, deps bool
	md        bool
	pull      bool
	noPath    bool
	precision int
	isDiff    bool
	change    bool // a table of differences has a column for them
}

// defaultPrecision is how many digits after the point a metric is shown with.
const defaultPrecision = 5

func (o *valuesOptions) showFlags(c *cobra.Command) {
	f := c.Flags()
	f.BoolVarP(&o.Branches, "all-branches", "a", false, "of all branches")
	f.BoolVarP(&o.Tags, "all-tags", "T", false, "of all tags")
	f.BoolVarP(&o.Commits, "all-commits", "A", false, "of all commits")
	o.flags(c)
}

func (o *valuesOptions) diffFlags(c *cobra.Command) {
	o.isDiff = true
	f := c.Flags()
	commaListVar(f, &o.targets, "targets", "only these `FILES` or directories, declared or not")
	f.BoolVar(&o.all, "all", false, "show also what is equal")
	f.BoolVar(&o.noPath, "no-path", false, "leave out the file")
	o.flags(c)
}

func (o *valuesOptions) flags(c *cobra.Command) {
	c.Flags().BoolVar(&o.md, "md", false, "write a Markdown table")
	c.Flags().BoolVar(&o.pull, "pull", false, pullUsage)
	if o.what == compare.Metrics {
		c.Flags().IntVar(&o.precision, "precision", defaultPrecision, "digits after the point")
	} else {
		o.precision = -1
	}
}

// read reads the values at each revision.
func (o *valuesOptions) read(ctx context.Context, revs []compare.Revision, targets []string) ([]compare.Values, error) {
	r, err := o.app.repo(ctx)
	if err != nil {
		return nil, err
	}
	if o.deps {
		o.what = compare.Deps
	}
	for i, target := range targets {
		if targets[i], err = r.Rel(".", target); err != nil {
			return nil, err
		}
	}
	here, err := r.Rel(".", ".")
	if err != nil {
		return nil, err
	}
	source, err := o.app.readRevisions(ctx, r, o.pull)
	if err != nil {
		return nil, err
	}
	all := make([]compare.Values, len(revs))
	for i, rev := range revs {
		if all[i], err = compare.ReadValues(ctx, source, rev, o.what, targets); err != nil {
			return nil, errs.New(errs.KindOf(err), "read %ss of %s: %w", o.word, nameOf(rev), err)
		}
	}
	if o.isDiff {
		o.app.tellProblems(compare.DiffProblems(all[0], all[1]), o.pull)
	}
	for i := range all {
		if !o.isDiff {
			o.app.tellProblems(all[i].Problems, o.pull)
		}
		all[i].Files = relative(here, all[i].Files)
	}
	return all, nil
}

// nameOf is the name of a revision for people.
func nameOf(rev compare.Revision) string {
	if rev.Name == "" {
		return compare.Workspace
	}
	return rev.Name
}

// relative names files as seen from the directory here.
func relative[V any](here string, files map[string]V) map[string]V {
	if here == "." {
		return files
	}
	out := make(map[string]V, len(files))
	for p, v := range files {
		if rel, err := filepath.Rel(filepath.FromSlash(here), filepath.FromSlash(p)); err == nil {
			p = filepath.ToSlash(rel)
		}
		out[p] = v
	}
	return out
}

func (o *valuesOptions) diff(ctx context.Context, args []string) error {
	a, b, err := o.app.revisionPair(ctx, args)
	if err != nil {
		return err
	}
	all, err := o.read(ctx, []compare.Revision{a, b}, o.targets)
	if err != nil {
		return err
	}
	changes := compare.DiffValues(all[0], all[1], o.all)
	return o.app.io.Result(changes, func(w io.Writer) error {
		header := []string{"path", o.word, a.Name, b.Name}
		if o.change {
			header = append(header, "change")
		}
		var rows [][]string
		for _, p := range slices.Sorted(maps.Keys(changes)) {
			for _, key := range slices.Sorted(maps.Keys(changes[p])) {
				c := changes[p][key]
				row := []string{p, key, o.text(c.Old), o.text(c.New)}
				if o.change {
					row = append(row, o.paintChange(key, c))
				}
				rows = append(rows, row)
			}
		}
		if o.noPath {
			header = header[1:]
			for i := range rows {
				rows[i] = rows[i][1:]
			}
		}
		return o.app.writeTable(w, o.md, header, rows)
	})
}

// revisionPair reads [A [B]] and A..B; HEAD and the workspace by default.
func (a *app) revisionPair(ctx context.Context, args []string) (from, to compare.Revision, err error) {
	r, err := a.repo(ctx)
	if err != nil {
		return from, to, err
	}
	names := []string{"HEAD", compare.Workspace}
	if len(args) == 0 && r.Git().Exists() {
		if head, err := r.Git().Head(ctx); err != nil || head == "" {
			return from, to, errors.Join(err, errs.New(errs.NotFound, "there is no commit yet to compare with").Hint("git commit -a -m 'first'"))
		}
	}
	if args = compare.Ends(args); len(args) > len(names) {
		return from, to, errs.New(errs.Usage, "%d revisions, where two are compared: %s", len(args), strings.Join(args, " "))
	}
	copy(names, args)
	if from, err = compare.Resolve(ctx, r, names[0]); err != nil {
		return from, to, err
	}
	to, err = compare.Resolve(ctx, r, names[1])
	return from, to, err
}

func (o *valuesOptions) show(ctx context.Context, args []string) error {
	r, err := o.app.repo(ctx)
	if err != nil {
		return err
	}
	revs := []compare.Revision{{}}
	several := o.RefQuery != repo.RefQuery{}
	if several {
		named, err := r.NamedCommits(ctx, o.RefQuery)
		if err != nil {
			return err
		}
		revs[0].Name = compare.Workspace
		for _, n := range named {
			revs = append(revs, compare.Revision{Name: strings.Join(n.Names, ","), Commit: n.Commit})
		}
	}
	all, err := o.read(ctx, revs, args)
	if err != nil {
		return err
	}
	if several {
		if all, err = o.hideWorkspace(ctx, r, all); err != nil {
			return err
		}
	}
	return o.app.io.Result(compare.Shown(all), func(w io.Writer) error {
		if !several {
			return o.app.writeTable(w, o.md, []string{"path", o.word, "value"}, o.valueRows(all[0]))
		}
		header, rows := o.grid(all)
		return o.app.writeTable(w, o.md, header, rows)
	})
}

// hideWorkspace leaves out the workspace when it has the same values as the
// branch that is checked out.
func (o *valuesOptions) hideWorkspace(ctx context.Context, r *repo.Repo, all []compare.Values) ([]compare.Values, error) {
	branch, err := r.Git().Branch(ctx)
	if err != nil {
		return nil, err
	}
	for _, v := range all[1:] {
		if v.Revision.Name == branch && len(v.Problems)+len(all[0].Problems) == 0 && reflect.DeepEqual(v.Files, all[0].Files) {
			return all[1:], nil
		}
	}
	return all, nil
}

// valueRows has a row for each value.
func (o *valuesOptions) valueRows(v compare.Values) [][]string {
	var rows [][]string
	for _, p := range slices.Sorted(maps.Keys(v.Files)) {
		for _, leaf := range compare.Leaves(v.Files[p]) {
			rows = append(rows, []string{p, leaf.Key, o.text(leaf.Value)})
		}
	}
	return rows
}

// grid has a row for each file of each revision, and a column for each key.
func (o *valuesOptions) grid(all []compare.Values) (header []string, rows [][]string) {
	columns := map[string]int{}
	for _, v := range all {
		for _, doc := range v.Files {
			for _, leaf := range compare.Leaves(doc) {
				columns[leaf.Key] = 0
			}
		}
	}
	header = []string{"revision", "path"}
	for _, key := range slices.Sorted(maps.Keys(columns)) {
		columns[key] = len(header)
		header = append(header, key)
	}
	for _, v := range all {
		for _, p := range slices.Sorted(maps.Keys(v.Files)) {
			row := slices.Repeat([]string{"-"}, len(header))
			row[0], row[1] = v.Revision.Name, p
			for _, leaf := range compare.Leaves(v.Files[p]) {
				row[columns[leaf.Key]] = o.text(leaf.Value)
			}
			rows = append(rows, row)
		}
	}
	return header, rows
}
