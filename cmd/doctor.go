package cmd

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/mlops-cli/mlops/pkg/doctor"
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/remote"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/term"
)

func newDoctorCmd(a *app) *cobra.Command {
	var remotes bool
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Look for what stands in the way, and say what to do",
		Long: `Looks at git and Python, at the repository's files, settings and databases, at
the disk and what its file system can do, and with --remote asks each remote
whether it answers. It is quick and changes nothing; 'mlops fsck' reads every
stored byte. Ends with exit code 3 when there is a problem.`,
		Example: "  mlops doctor\n  mlops doctor --remote",
		Args:    cobra.NoArgs,
		RunE:    a.run(func(ctx context.Context, _ []string) error { return runDoctor(ctx, a, remotes) }),
	}
	c.Flags().BoolVar(&remotes, "remote", false, "ask the remotes, too")
	return c
}

func runDoctor(ctx context.Context, a *app, remotes bool) error {
	found := doctor.Machine(ctx)
	// The repository is opened even when its settings are wrong.
	r, err := repo.Find(ctx, ".")
	switch {
	case errs.Is(err, errs.NotARepository):
		found = append(found, doctor.Wrong("repository", doctor.Warning, err))
	case err != nil:
		found = append(found, doctor.Wrong("repository", doctor.Problem, err))
	default:
		a.repository = r
		a.atEnd(r.Close)
		found = append(found, settingsFindings(r)...)
		found = append(found, doctor.Repository(ctx, r)...)
		if remotes {
			found = append(found, a.remoteFindings(ctx, r)...)
		}
	}
	problems := 0
	for _, f := range found {
		if f.Status == doctor.Problem {
			problems++
		}
	}
	if err := a.io.Result(found, func(w io.Writer) error { return a.printFindings(w, found) }); err != nil {
		return err
	}
	if problems > 0 {
		return errs.New(errs.Partial, "%s found", term.Plural(int64(problems), "problem"))
	}
	return nil
}

// settingsFindings reads the settings into r and names keys nobody knows.
func settingsFindings(r *repo.Repo) []doctor.Finding {
	const name = "settings"
	s, err := readSettings(r)
	if err == nil {
		err = s.fill(&r.Config)
	}
	if err != nil {
		return []doctor.Finding{doctor.Wrong(name, doctor.Problem, err)}
	}
	var found []doctor.Finding
	for _, l := range s.layers {
		for _, key := range l.unknown {
			_, err := needSetting(key)
			f := doctor.Wrong(name, doctor.Warning, err)
			f.Detail = l.file + ": " + f.Detail
			found = append(found, f)
		}
	}
	if name := r.Config.Core.Remote; name != "" && r.Config.Remotes[name] == "" {
		found = append(found, doctor.Finding{
			Name: "settings", Status: doctor.Warning,
			Detail: fmt.Sprintf("core.remote is %q, which is no remote", name), Hint: "mlops remote default NAME",
		})
	}
	if len(found) == 0 {
		found = append(found, doctor.Finding{Name: name, Status: doctor.OK, Detail: "every key is known"})
	}
	return found
}

func (a *app) remoteFindings(ctx context.Context, r *repo.Repo) []doctor.Finding {
	var found []doctor.Finding
	for _, name := range sortedKeys(r.Config.Remotes) {
		url := r.Config.Remotes[name]
		b, err := a.openBucket(ctx, url, remote.Options{Attempts: 2})
		if err != nil {
			found = append(found, doctor.Wrong("remote "+name, doctor.Problem, err))
			continue
		}
		found = append(found, doctor.Remote(ctx, name, url, b))
	}
	return found
}

func (a *app) printFindings(w io.Writer, found []doctor.Finding) error {
	table := a.io.Table()
	for _, f := range found {
		mark := a.io.Paint(term.Green, "ok")
		switch f.Status {
		case doctor.OK:
		case doctor.Warning:
			mark = a.io.Paint(term.Yellow, "warning")
		case doctor.Problem:
			mark = a.io.Paint(term.Red, "problem")
		}
		table.Row(mark, f.Name, f.Detail)
		if f.Hint != "" {
			table.Row("", "", a.io.Paint(term.Dim, "→ "+f.Hint))
		}
	}
	return table.Write(w)
}
