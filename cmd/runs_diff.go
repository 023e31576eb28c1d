package cmd

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mlops-cli/mlops/pkg/compare"
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/plot"
	"github.com/mlops-cli/mlops/pkg/reproduce"
	"github.com/mlops-cli/mlops/pkg/term"
	"github.com/mlops-cli/mlops/pkg/track"
	"github.com/mlops-cli/mlops/pkg/trackdb"
)

type runsDiffOptions struct {
	app *app

	refs  []string
	patch bool
	md    bool
	pull  bool
}

func newRunsDiffCmd(a *app) *cobra.Command {
	o := &runsDiffOptions{app: a}
	c := &cobra.Command{
		Use:   "diff [OLD [NEW]]",
		Short: "Show what differs between two runs",
		Long: `Show what differs between two runs: params, metrics, code, and data file by file.
Without names these are the two newest; with one, that one and the newest. The code
includes what was not committed; --patch prints its changes as git does. 'mlops
compare' puts many runs side by side.`,
		Example: "  mlops runs diff\n  mlops runs diff baseline swift-otter-417 --patch\n  mlops runs diff baseline --md >> \"$GITHUB_STEP_SUMMARY\"",
		Args:    cobra.MaximumNArgs(2),
		RunE: a.run(func(ctx context.Context, args []string) error {
			o.refs = args
			return runRunsDiff(ctx, o)
		}),
	}
	c.Flags().BoolVarP(&o.patch, "patch", "p", false, "print the changes of the code")
	c.Flags().BoolVar(&o.md, "md", false, "print Markdown, for pull requests")
	c.Flags().BoolVar(&o.pull, "pull", false, "fetch what is missing from the default remote")
	return c
}

func runRunsDiff(ctx context.Context, o *runsDiffOptions) error {
	tracking, err := o.app.tracking(ctx)
	if err != nil {
		return err
	}
	older, newer, err := diffRefs(ctx, tracking, o.refs)
	if err != nil {
		return err
	}
	p, b, err := o.app.reproducer(ctx, newer, o.pull)
	if err != nil {
		return err
	}
	id, err := tracking.Resolve(ctx, older)
	if err != nil {
		return err
	}
	a, err := tracking.Run(ctx, id)
	if err != nil {
		return err
	}
	d, err := p.Diff(ctx, &a, &b, o.patch)
	if err != nil {
		return err
	}
	show := &diffShown{app: o.app, d: d, md: o.md}
	if err := o.app.io.Result(d, show.write); err != nil {
		return err
	}
	if !o.app.io.JSON && d.Code.Why != "" {
		o.app.io.Warn("%s: %s", map[bool]string{true: "the code may differ more", false: "the code is not compared"}[d.Code.Known], d.Code.Why)
	}
	return nil
}

// diffRefs fills in the newest runs for those that are not named.
func diffRefs(ctx context.Context, tracking *trackdb.Service, refs []string) (older, newer string, err error) {
	if len(refs) == 2 {
		return refs[0], refs[1], nil
	}
	newest, err := tracking.Runs(ctx, track.Query{Limit: 2, Bare: true})
	if err != nil {
		return "", "", err
	}
	switch {
	case len(newest) == 0:
		return "", "", errs.New(errs.NotFound, "no run is recorded yet").Hint("mlops run records one")
	case len(refs) == 1:
		return refs[0], newest[0].ID, nil
	case len(newest) == 1:
		return "", "", errs.New(errs.NotFound, "there is only one run").Hint("mlops runs show")
	}
	return newest[1].ID, newest[0].ID, nil
}

// diffShown writes a difference for people.
type diffShown struct {
	app *app
	d   reproduce.Difference
	md  bool

	heading string     // "" for the names of the runs
	more    []diffPart // after those of the runs
}

// diffPart is one table of a difference.
type diffPart struct {
	title  string
	header []string
	rows   [][]string
	right  []int
}

func (s *diffShown) write(w io.Writer) error {
	d := s.d
	heading := cmp.Or(s.heading, fmt.Sprintf("%s (%.8s) → %s (%.8s)", d.Old.Name, d.Old.RunID, d.New.Name, d.New.RunID))
	if _, err := fmt.Fprintf(w, "%s\n", s.title(heading)); err != nil {
		return err
	}
	var params, metrics, code, data [][]string
	for _, p := range d.Params {
		params = append(params, []string{p.Key, orMissing(p.Old), orMissing(p.New)})
	}
	for _, m := range d.Metrics {
		metrics = append(metrics, []string{m.Key, numberOrMissing(m.Old), numberOrMissing(m.New), change(m.Diff)})
	}
	for _, f := range d.Code.Files {
		lines := fmt.Sprintf("+%d -%d", f.Added, f.Removed)
		if f.Added < 0 {
			lines = "binary"
		}
		code = append(code, []string{f.Path, lines})
	}
	for _, f := range d.Data {
		data = append(data, []string{f.Change, f.Path, contentSize(f.Old), contentSize(f.New), string(f.Role)})
	}
	nothing := true
	for _, part := range append([]diffPart{
		{"params", []string{"", d.Old.Name, d.New.Name}, params, nil},
		{"metrics", []string{"", d.Old.Name, d.New.Name, "CHANGE"}, metrics, []int{1, 2, 3}},
		{"code", []string{"FILE", "LINES"}, code, nil},
		{"data", []string{"", "PATH", "OLD", "NEW", "ROLE"}, data, []int{2, 3}},
	}, s.more...) {
		if len(part.rows) == 0 {
			continue
		}
		nothing = false
		if _, err := fmt.Fprintf(w, "\n%s\n", s.title(part.title)); err != nil {
			return err
		}
		if err := s.table(w, part.header, part.rows, part.right); err != nil {
			return err
		}
	}
	if nothing {
		_, err := io.WriteString(w, "\nnothing differs\n")
		return err
	}
	if d.Code.Patch == "" {
		return nil
	}
	text := "\n" + d.Code.Patch
	if s.md {
		fence := strings.Repeat("`", max(3, longestRun(d.Code.Patch)+1))
		text = "\n" + fence + "diff\n" + d.Code.Patch + fence + "\n"
	}
	_, err := io.WriteString(w, text)
	return err
}

// longestRun is how many backticks stand together in a text.
func longestRun(text string) (longest int) {
	run := 0
	for _, c := range text {
		if c != '`' {
			run = 0
			continue
		}
		run++
		longest = max(longest, run)
	}
	return longest
}

func (s *diffShown) title(text string) string { return s.style(term.Bold, text) }

func (s *diffShown) style(style term.Style, text string) string {
	if s.md {
		return "**" + markdown(text) + "**"
	}
	return s.app.io.Paint(style, text)
}

func (s *diffShown) table(w io.Writer, header []string, rows [][]string, right []int) error {
	if !s.md {
		t := s.app.io.Table(header...).Right(right...)
		for _, row := range rows {
			t.Row(row...)
		}
		return t.Write(w)
	}
	rules := make([]string, len(header))
	for i := range rules {
		rules[i] = "---"
	}
	for _, i := range right {
		rules[i] = "--:"
	}
	var b strings.Builder
	b.WriteString("\n")
	for i, row := range append([][]string{header, rules}, rows...) {
		for _, cell := range row {
			if i != 1 {
				cell = markdown(cell)
			}
			b.WriteString("| " + cell + " ")
		}
		b.WriteString("|\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// markdown keeps a text in its cell and shows it as it is.
func markdown(text string) string {
	return strings.NewReplacer(`\`, `\\`, "|", `\|`, "\n", " ", "<", "&lt;", "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`).Replace(text)
}

func orMissing(text *string) string {
	if text == nil {
		return compare.Missing
	}
	return *text
}

func numberOrMissing(v *track.Value) string {
	if v == nil {
		return compare.Missing
	}
	return plot.Number(float64(*v))
}

func change(v *track.Value) string {
	if v == nil {
		return ""
	}
	text := plot.Number(float64(*v))
	if f, err := strconv.ParseFloat(text, 64); err == nil && f > 0 {
		text = "+" + text
	}
	return text
}

func contentSize(c *reproduce.Content) string {
	if c == nil {
		return compare.Missing
	}
	return term.Bytes(c.Size)
}
