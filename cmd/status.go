package cmd

import (
	"context"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/pipeline"
	"github.com/mlops-cli/mlops/pkg/workspace"
)

type statusOptions struct {
	app *app
	workspace.StatusRequest
	exitCode     bool
	allowMissing bool

	// What the pipeline files say and where the user stands in them, once loaded.
	engine  *pipeline.Engine
	project *pipeline.Project
	dir     string
}

// statusReport is the contract of status --json.
type statusReport struct {
	Clean   bool               `json:"clean"`
	Changes []workspace.Change `json:"changes"`
	Stages  []staleStage       `json:"stages"`
}

// staleStage is a stage that a run would not skip.
type staleStage struct {
	Name    string          `json:"name"`
	Action  pipeline.Action `json:"action"`
	Reasons []string        `json:"reasons"`
	group   string
}

func newStatusCmd(a *app) *cobra.Command {
	o := &statusOptions{app: a}
	c := &cobra.Command{
		Use:   "status [path|stage]...",
		Short: "Show what changed and which stages are out of date",
		Long: `Compares tracked files and directories with their pointers and locks, and every
stage with what it last read and wrote. Only files that look changed are read. Of
every stage that 'mlops run' would not skip it says why, be it something of its own
or a stage before it. Paths and names of stages limit it to them.

With --allow-missing, data that is not here counts as unchanged: in a fresh clone
it says what was changed since the last run, by ids alone.`,
		Example: `  mlops status
  mlops status data/train
  mlops status train                         whether this stage would run, and why
  mlops status --exit-code                   ends with 4 when anything is out of date
  mlops status --allow-missing --exit-code   the same in a clone without data`,
		Args: cobra.ArbitraryArgs,
		RunE: a.run(func(ctx context.Context, args []string) error {
			o.Dir, o.Paths = ".", args
			return runStatus(ctx, o)
		}),
		ValidArgsFunction: completeStages(a),
	}
	f := c.Flags()
	f.BoolVar(&o.exitCode, "exit-code", false, "end with 4 when there are changes or stages out of date")
	f.BoolVar(&o.allowMissing, "allow-missing", false, "take data that is absent, but named by a pointer or lock, for unchanged")
	return c
}

func runStatus(ctx context.Context, o *statusOptions) error {
	w, err := o.app.workspace(ctx)
	if err != nil {
		return err
	}
	stages, err := o.takeStages(ctx)
	if err != nil {
		return err
	}
	view := statusReport{Changes: []workspace.Change{}, Stages: []staleStage{}}
	var spoiled []string
	if len(stages) == 0 || len(o.Paths) > 0 {
		res, err := w.Status(ctx, o.StatusRequest)
		if err != nil {
			return err
		}
		view.Changes, spoiled = res.Changes, res.Spoiled
	}
	if o.allowMissing {
		view.Changes = slices.DeleteFunc(view.Changes, absent)
	}
	var broken error // of a pipeline that is not in order; what the data does is said all the same
	if len(stages) > 0 || len(o.Paths) == 0 {
		view.Stages, broken = o.staleStages(ctx)
		if broken != nil && (len(stages) > 0 || !errs.Is(broken, errs.Usage)) {
			return broken
		}
	}
	if len(stages) > 0 {
		view.Stages = slices.DeleteFunc(view.Stages, func(s staleStage) bool { return !slices.Contains(stages, s.Name) })
	}
	view.Clean = len(view.Changes) == 0 && len(view.Stages) == 0 && broken == nil
	if err := o.app.io.Result(view, func(out io.Writer) error { return o.print(out, view) }); err != nil {
		return err
	}
	for _, id := range spoiled {
		o.app.io.Warn("object %s was changed in place through a link: the store has lost it, the file keeps the change", id)
	}
	o.hints(view)
	if broken != nil {
		return broken
	}
	if o.exitCode && !view.Clean {
		return errs.New(errs.Differs, "there are changes")
	}
	return nil
}

// pipeline loads the pipeline, once. Without pipeline files nothing of it is
// opened, and project is nil.
func (o *statusOptions) pipeline(ctx context.Context) error {
	if o.project != nil {
		return nil
	}
	r, err := o.app.repo(ctx)
	if err != nil {
		return err
	}
	if files, err := r.Pipelines(ctx, ""); err != nil || len(files) == 0 {
		return err
	}
	o.engine, o.project, o.dir, err = o.app.project(ctx)
	return err
}

// takeStages takes the names of stages out of the paths. What is there, is tracked
// or is an output is a path.
func (o *statusOptions) takeStages(ctx context.Context) (stages []string, err error) {
	r, err := o.app.repo(ctx)
	if err != nil {
		return nil, err
	}
	isPath := func(word string) bool { return o.app.isPath(r, word) }
	if !slices.ContainsFunc(o.Paths, func(word string) bool { return !isPath(word) }) {
		return nil, nil
	}
	if err := o.pipeline(ctx); err != nil || o.project == nil {
		return nil, err
	}
	o.Paths = slices.DeleteFunc(slices.Clone(o.Paths), func(word string) bool {
		if _, isOut := o.project.Producer(path.Join(o.dir, word)); isOut || isPath(word) {
			return false
		}
		named, err := o.project.Targets([]string{word}, o.dir)
		stages = append(stages, named...)
		return err == nil
	})
	return stages, nil
}

// staleStages lists the stages that are out of date.
func (o *statusOptions) staleStages(ctx context.Context) ([]staleStage, error) {
	stale := []staleStage{}
	if err := o.pipeline(ctx); err != nil || o.project == nil {
		return stale, err
	}
	steps, err := o.engine.PlanProject(ctx, o.project, pipeline.PlanRequest{Dir: o.dir, AllowMissing: o.allowMissing})
	if err != nil {
		return stale, err
	}
	for _, s := range steps {
		if s.Action != pipeline.Skip {
			stale = append(stale, staleStage{s.Name, s.Action, notNil(s.Reasons), o.project.Group(s.Name)})
		}
	}
	return stale, nil
}

// absent reports whether a change is only that a tracked path is not there.
func absent(c workspace.Change) bool {
	return c.Kind == workspace.ChangeMissing || c.Kind == workspace.ChangeDeleted && c.Path == c.Target
}

func (o *statusOptions) print(w io.Writer, v statusReport) error {
	if v.Clean {
		_, err := fmt.Fprintln(w, "nothing changed, everything is up to date")
		return err
	}
	if len(v.Changes) > 0 {
		if _, err := fmt.Fprintln(w, "Changes in tracked data:"); err != nil {
			return err
		}
		for _, c := range v.Changes {
			if _, err := fmt.Fprintf(w, "  %-11s %s\n", c.Kind+":", changeName(c)); err != nil {
				return err
			}
		}
	}
	if len(v.Stages) == 0 {
		return nil
	}
	if len(v.Changes) > 0 {
		if _, err := fmt.Fprintln(w); err != nil {
			return err
		}
	}
	return o.printStages(w, v.Stages)
}

// stagesShown is how many stages, or groups of them, are listed; --verbose lists
// all.
const stagesShown = 40

// groupShown is up to how many stages of a group are told apart by their
// reasons' details, such as the file that is missing.
const groupShown = 5

// staleEntry is a line of the list: a stage, or those of a group that are alike.
type staleEntry struct {
	staleStage
	count int
	alike bool // their reasons differ in details
}

// staleEntries puts stages of a group together that have the same reasons, and
// those of a large group whose reasons are of the same kind.
func staleEntries(stages []staleStage) (entries []*staleEntry) {
	text := func(s staleStage) string { return strings.Join(s.Reasons, "\x00") }
	join := func(from []*staleEntry, reasons func(staleStage) string) (out []*staleEntry) {
		same := map[string]*staleEntry{}
		for _, e := range from {
			key := e.group + "\x00" + string(e.Action) + "\x00" + reasons(e.staleStage)
			if first := same[key]; first != nil && e.group != "" {
				first.count += e.count
				first.alike = first.alike || e.alike || text(first.staleStage) != text(e.staleStage)
				continue
			}
			same[key] = e
			out = append(out, e)
		}
		return out
	}
	for _, s := range stages {
		entries = append(entries, &staleEntry{staleStage: s, count: 1})
	}
	entries = join(entries, text)
	members := map[string]int{}
	for _, e := range entries {
		members[e.group]++
	}
	return join(entries, func(s staleStage) string {
		if members[s.group] <= groupShown {
			return text(s)
		}
		return kindOfReason(text(s))
	})
}

// kindOfReason is a reason without the names of files, stages and params.
func kindOfReason(reason string) string {
	words := strings.Split(reason, " ")
	for i, word := range words {
		if strings.ContainsAny(word, "./@0123456789") {
			words[i] = "…"
		}
	}
	return strings.Join(words, " ")
}

// printStages lists stages with their reasons.
func (o *statusOptions) printStages(w io.Writer, stages []staleStage) error {
	var entries []*staleEntry
	if o.app.io.Verbose {
		for _, s := range stages {
			entries = append(entries, &staleEntry{staleStage: s, count: 1})
		}
	} else {
		entries = staleEntries(stages)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Stages out of date:\n")
	for i, e := range entries {
		if i == stagesShown && !o.app.io.Verbose {
			fmt.Fprintf(&b, "  … %d more: mlops status --verbose, or mlops dag --state\n", len(entries)-i)
			break
		}
		name := e.Name
		if e.count > 1 {
			name = fmt.Sprintf("%s ×%d", e.group, e.count)
		}
		if e.Action == pipeline.Restore {
			name += "  (can be restored)"
		}
		fmt.Fprintf(&b, "  %s\n", name)
		for _, reason := range e.Reasons {
			fmt.Fprintf(&b, "      %s\n", reason)
		}
		if e.alike {
			fmt.Fprintf(&b, "      and the like for %d more: mlops status --verbose\n", e.count-1)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// hints say what to type, once for each kind of change.
func (o *statusOptions) hints(v statusReport) {
	kinds := map[string]bool{}
	for _, c := range v.Changes {
		kinds[c.Kind] = true
	}
	switch {
	case kinds[workspace.ChangeMissing]:
		o.app.io.Hint("missing data is fetched by: mlops pull")
	case kinds[workspace.ChangeUnreadable]:
		o.app.io.Hint("what cannot be read cannot be saved: change its permissions, or remove it")
	case len(kinds) > 0:
		o.app.io.Hint("save changes: mlops add PATH; undo them: mlops checkout PATH")
	}
	if len(v.Stages) > 0 {
		o.app.io.Hint("bring stages up to date: mlops run")
	}
}
