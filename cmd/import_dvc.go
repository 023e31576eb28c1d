package cmd

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/migrate"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/term"
	"github.com/mlops-cli/mlops/pkg/workspace"
)

type importDVCOptions struct {
	app *app
	migrate.ImportRequest
	dryRun bool
}

func newImportDVCCmd(a *app) *cobra.Command {
	o := &importDVCOptions{app: a}
	c := &cobra.Command{
		Use:   "dvc",
		Short: "Take a DVC repository over, beside DVC",
		Long: `Makes the DVC repository around the working directory one of mlops, too:

  - each .dvc file gets a pointer beside it, with where imported data is from,
  - dvc.lock is translated to mlops.lock, and DVC's run cache to the stage cache,
    so that nothing runs that ran already,
  - objects come from the workspace and DVC's cache, in the layouts of DVC 2 and 3;
    large ones are linked, not copied, where the file system can,
  - DVC's remotes become remotes; mlops keeps its own objects beside DVC's,
  - experiments in refs/exps become runs.

dvc.yaml stays the pipeline file. Nothing of DVC's is changed: both can be used
side by side, and the command may be repeated. Data that is not on this machine
stays named by DVC's MD5 until 'mlops pull' fetches it from DVC's remote.`,
		Example: "  mlops import dvc --dry-run\n  mlops import dvc\n  mlops import dvc --all-branches --all-tags",
		Args:    cobra.NoArgs,
		RunE:    a.run(func(ctx context.Context, _ []string) error { return runImportDVC(ctx, o) }),
	}
	f := c.Flags()
	f.BoolVar(&o.AllBranches, "all-branches", false, "take over the data of all branches, too")
	f.BoolVar(&o.AllTags, "all-tags", false, "take over the data of all tags, too")
	f.BoolVarP(&o.dryRun, "dry-run", "n", false, "only say what would be done; no data is read")
	return c
}

func runImportDVC(ctx context.Context, o *importDVCOptions) error {
	origin, err := migrate.FindOrigin(".")
	if err != nil {
		return err
	}
	if o.dryRun {
		return o.preview(ctx, origin)
	}
	made, err := o.init(ctx, origin)
	if err != nil {
		return err
	}
	r, err := o.app.repo(ctx)
	if err != nil {
		return err
	}
	if err := oneRoot(r, origin); err != nil {
		return err
	}
	runs, err := o.app.tracking(ctx)
	if err != nil {
		return err
	}
	res, err := migrate.NewImporter(migrate.Config{
		Repo: r, Origin: origin, Revs: revisions{Repo: r}, Runs: runs, Clock: o.app.clock, Report: o.app.io.Progress(),
	}).Import(ctx, o.ImportRequest)
	if err != nil {
		return err
	}
	res.Written = append(made, res.Written...)
	slices.Sort(res.Written)
	res.Written = slices.Compact(res.Written)
	if err := o.show(res); err != nil {
		return err
	}
	if len(res.Problems) > 0 {
		return errs.New(errs.Partial, "import dvc: %s could not be taken over", term.Plural(int64(len(res.Problems)), "item"))
	}
	return nil
}

func (o *importDVCOptions) preview(ctx context.Context, origin *migrate.Origin) error {
	var remotes map[string]string
	r, err := o.app.repo(ctx)
	switch {
	case err == nil:
		if err := oneRoot(r, origin); err != nil {
			return err
		}
		remotes = r.Config.Remotes
	case !errs.Is(err, errs.NotARepository):
		return err
	}
	res, err := migrate.Preview(ctx, origin, remotes)
	if err != nil {
		return err
	}
	return o.show(res)
}

func oneRoot(r *repo.Repo, origin *migrate.Origin) error {
	if r.Root == origin.Root {
		return nil
	}
	return errs.New(errs.Conflict, "the DVC repository %s is inside the mlops repository %s", origin.Root, r.Root).
		Hint("both must have one root")
}

// init makes the repository, where it is not there yet. It returns what was
// written.
func (o *importDVCOptions) init(ctx context.Context, origin *migrate.Origin) ([]string, error) {
	if r, err := repo.Find(ctx, origin.Root); err == nil {
		return nil, r.Close()
	} else if !errs.Is(err, errs.NotARepository) {
		return nil, err
	}
	res, err := repo.Init(ctx, origin.Root, repo.InitOptions{NoGit: origin.Config.NoSCM})
	return res.Files, err
}

func (o *importDVCOptions) show(res migrate.ImportResult) error {
	if err := o.app.io.Result(res, func(w io.Writer) error { return o.print(w, res) }); err != nil {
		return err
	}
	for _, p := range res.Problems {
		o.app.io.Warn("%s", p)
	}
	absent := 0
	for _, p := range res.Paths {
		switch p.State {
		case migrate.StateAbsent:
			absent++
		case migrate.StateConflict:
			o.app.io.Warn("%s and its pointer both changed: the pointer was kept; to take what DVC has, remove %s and type this again", p.From, repo.PointerPath(string(p.Path)))
		}
	}
	read := slices.ContainsFunc(res.Remotes, func(r migrate.ImportedRemote) bool { return r.Read })
	switch {
	case absent == 0 || len(res.Remotes) == 0:
	case read:
		o.app.io.Hint("fetch what is not on this machine from DVC's remote: mlops pull")
	default:
		o.app.io.Hint("fetch what is not on this machine with DVC, then take it over: dvc fetch && mlops import dvc")
	}
	if len(res.Written) > 0 {
		o.app.io.Hint("git %sadd %s", toRoot(res.Root), workspace.Quote(res.Written[:min(len(res.Written), 12)]))
	}
	return nil
}

func (o *importDVCOptions) print(w io.Writer, res migrate.ImportResult) error {
	var b strings.Builder
	states := map[string]int{}
	for _, p := range res.Paths {
		states[p.State]++
		if p.State != migrate.StateSame {
			fmt.Fprintf(&b, "  %-9s %s  (%s)\n", p.State, p.Path, term.Bytes(p.Size))
		}
	}
	stages := map[string]int{}
	for _, s := range res.Stages {
		stages[s.State]++
	}
	counts := func(what string, m map[string]int) {
		total := 0
		var parts []string
		for _, state := range []string{migrate.StateNew, migrate.StateUpdated, migrate.StateSame, migrate.StateAbsent, migrate.StateConflict} {
			total += m[state]
			if m[state] > 0 {
				parts = append(parts, fmt.Sprintf("%d %s", m[state], state))
			}
		}
		if total > 0 {
			fmt.Fprintf(&b, "%s: %s\n", what, strings.Join(parts, ", "))
		}
	}
	counts("tracked paths", states)
	counts("stages in dvc.lock", stages)
	if res.Cached > 0 {
		fmt.Fprintf(&b, "run cache: %s\n", term.Plural(int64(res.Cached), "result"))
	}
	if res.Commits > 0 {
		fmt.Fprintf(&b, "branches and tags: %s\n", term.Plural(int64(res.Commits), "commit"))
	}
	if res.Runs > 0 {
		fmt.Fprintf(&b, "experiments: %s\n", term.Plural(int64(res.Runs), "run"))
	}
	for _, r := range res.Remotes {
		fmt.Fprintf(&b, "remote %s (%s): ", r.Name, r.URL)
		switch {
		case r.Ours == "":
			fmt.Fprintf(&b, "not taken over: %s\n", r.Why)
		case r.Why != "":
			fmt.Fprintf(&b, "%s, own objects go to %s; %s\n", r.State, r.Ours, r.Why)
		default:
			fmt.Fprintf(&b, "%s, own objects go to %s\n", r.State, r.Ours)
		}
	}
	if res.Objects > 0 {
		fmt.Fprintf(&b, "from DVC's cache: %s, %s, of which %s are linked\n", term.Plural(res.Objects, "file"), term.Bytes(res.Bytes), term.Bytes(res.Linked))
	}
	text := b.String()
	if text == "" {
		text = "there is nothing to take over\n"
	}
	if res.DryRun {
		text = "would take over:\n" + text
	}
	_, err := io.WriteString(w, text)
	return err
}
