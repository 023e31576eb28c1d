package cmd

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mlops-cli/mlops/pkg/registry"
	"github.com/mlops-cli/mlops/pkg/release"
	"github.com/mlops-cli/mlops/pkg/term"
	"github.com/mlops-cli/mlops/pkg/track"
)

func newWhyCmd(a *app) *cobra.Command {
	pull := false
	c := &cobra.Command{
		Use:   "why NAME[/VERSION|@ALIAS]",
		Short: "Show where a version of a model comes from, and what used it",
		Long: `Show the lineage of a version: the run that made it with its code and data, the runs
that made that data, and so on back to the commits that brought it; then the runs that
read the version, and the versions that were made of it; and who approved of it and
moved its aliases.`,
		Example:           "  mlops why churn@production\n  mlops why churn/3 --json",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.completeModels,
		RunE:              a.run(func(ctx context.Context, args []string) error { return runWhy(ctx, a, args[0], pull) }),
	}
	c.Flags().BoolVar(&pull, "pull", false, "fetch what is missing from the default remote")
	return c
}

func runWhy(ctx context.Context, a *app, text string, pull bool) error {
	ref, err := registry.ParseRef(text)
	if err != nil {
		return err
	}
	p, err := a.releaser(ctx, pull)
	if err != nil {
		return err
	}
	tracking, err := a.tracking(ctx)
	if err != nil {
		return err
	}
	l, err := p.Why(ctx, ref, tracking)
	if err != nil {
		return err
	}
	if l.Run != nil && l.Run.Away {
		a.io.Warn("what the stages of run %s read and wrote is not on this machine: --pull fetches it", l.Run.Name)
	}
	return a.io.Result(l, func(w io.Writer) error {
		s := &whyShown{app: a, now: a.io.Clock.Now()}
		s.lineage(&l)
		_, err := io.WriteString(w, s.text.String())
		return err
	})
}

// whyShown writes lineage as an indented tree.
type whyShown struct {
	app  *app
	now  time.Time
	text strings.Builder
}

func (s *whyShown) line(depth int, format string, args ...any) {
	s.text.WriteString(strings.Repeat("  ", depth) + fmt.Sprintf(format, args...) + "\n")
}

func (s *whyShown) title(text string) { s.line(0, "\n%s", s.app.io.Paint(term.Bold, text)) }

func (s *whyShown) ago(ms int64) string { return term.Ago(s.now, time.UnixMilli(ms)) }

func named(names []release.Name) string {
	words := make([]string, len(names))
	for i, n := range names {
		words[i] = fmt.Sprintf("%s/%d", n.Model, n.Version)
		if len(n.Aliases) > 0 {
			words[i] += " (" + strings.Join(n.Aliases, ", ") + ")"
		}
	}
	return strings.Join(words, ", ")
}

func (s *whyShown) lineage(l *release.Lineage) {
	v := &l.Version
	head := s.app.io.Paint(term.Bold, v.Ref().String())
	if len(v.Aliases) > 0 {
		head += " (" + strings.Join(v.Aliases, ", ") + ")"
	}
	s.line(0, "%s  %s", head, versionSize(v))
	s.title("made from")
	if l.Run == nil {
		s.line(1, "nothing is known: no run made these files here")
	} else {
		s.origin(1, l.Run)
	}
	if len(l.UsedBy)+len(l.SameAs) > 0 {
		s.title("used by")
	}
	for _, n := range l.SameAs {
		s.line(1, "%s is the same files", named([]release.Name{n}))
	}
	for _, u := range l.UsedBy {
		text := fmt.Sprintf("run %s (%.8s), %s", u.Name, u.RunID, s.ago(u.Started))
		if u.Stage != "" {
			s.line(1, "%s", usedInside(&u))
			continue
		}
		if u.User != "" {
			text += " by " + u.User
		}
		if len(u.Models) > 0 {
			text += ", which made " + named(u.Models)
		}
		s.line(1, "%s", text)
	}
	s.title("history")
	for _, h := range l.History {
		s.line(1, "%s", s.happened(&h))
	}
}

// usedInside is a stage of the run that made a version, which read it there.
func usedInside(u *release.Use) string {
	text := fmt.Sprintf("stage %s of run %s", u.Stage, u.Name)
	if len(u.Models) > 0 {
		text += ", which made " + named(u.Models)
	}
	return text
}

func (s *whyShown) happened(h *release.Happening) string {
	text := map[string]string{
		registry.VersionCreated: "registered", registry.VersionApproved: "approved", registry.AliasSet: "became " + h.Alias,
		registry.AliasPromoted: "promoted to " + h.Alias, registry.AliasDeleted: "no longer " + h.Alias,
		registry.VersionStaged: "stage " + h.Note, registry.VersionNumbered: fmt.Sprintf("renumbered, was %d", h.From),
	}[h.Kind]
	if h.Kind == registry.VersionApproved && h.Alias != "" {
		text += " for " + h.Alias
	}
	if h.From > 0 && (h.Kind == registry.AliasPromoted || h.Kind == registry.AliasSet) {
		text += fmt.Sprintf(" after version %d", h.From)
	}
	if h.By != "" {
		text += " by " + h.By
	}
	text += ", " + s.ago(h.Time)
	if h.Note != "" && h.Kind != registry.VersionStaged {
		text += ": " + h.Note
	}
	return text
}

func (s *whyShown) origin(depth int, o *release.Origin) {
	head := "code"
	if o.RunID != "" {
		head = fmt.Sprintf("run %s (%.8s)", o.Name, o.RunID)
	}
	if o.Started > 0 {
		head += ", " + s.ago(o.Started)
	}
	if o.User != "" {
		head += " by " + o.User
	}
	if o.RunID != "" && !o.Known {
		head += ", which is not on this machine"
	}
	s.line(depth, "%s", head)
	if len(o.Command) > 0 {
		s.line(depth+1, "command %s", strings.Join(o.Command, " "))
	}
	var files []string
	for i := range o.Inputs {
		if o.Inputs[i].Code {
			files = append(files, o.Inputs[i].Path)
		}
	}
	if code := codeOf(&o.Git); code != "" {
		if len(files) > 0 {
			code += ": " + strings.Join(files, ", ")
		}
		s.line(depth+1, "code %s", code)
	}
	for _, step := range o.Steps {
		text := "stage " + step.Stage
		if len(step.Reads)+len(step.Writes) > 0 {
			text += "  " + strings.Join(step.Reads, ", ") + " → " + strings.Join(step.Writes, ", ")
		}
		s.line(depth+1, "%s", text)
	}
	for i := range o.Inputs {
		if !o.Inputs[i].Code {
			s.input(depth+1, &o.Inputs[i])
		}
	}
	for _, d := range o.Datasets {
		text := "dataset " + d.Name + "  " + d.Digest
		if d.Context != "" {
			text += ", for " + d.Context
		}
		s.line(depth+1, "%s", text)
	}
	for i := range o.Models {
		s.read(depth+1, &o.Models[i])
	}
}

func (s *whyShown) read(depth int, m *release.Read) {
	text := "model " + m.ID
	if m.Name != "" {
		text = "model " + m.Name + "  " + m.ID
	}
	if len(m.Models) > 0 {
		text += ", which is " + named(m.Models)
	}
	s.line(depth, "%s", text)
	if m.Made != nil {
		s.origin(depth+1, m.Made)
	}
}

func codeOf(g *track.Git) string {
	if g.Commit == "" {
		return ""
	}
	text := g.Commit[:min(len(g.Commit), 12)]
	if g.Branch != "" {
		text += " (" + g.Branch + ")"
	}
	if g.Dirty {
		text += " with uncommitted changes"
	}
	return text
}

func (s *whyShown) input(depth int, in *release.Input) {
	text := fmt.Sprintf("data %s  %s, %s", in.Path, in.ID.Short(), term.Bytes(in.Size))
	if len(in.Model) > 0 {
		text += ", which is " + named(in.Model)
	}
	if in.Commit != "" {
		text += fmt.Sprintf("  %.12s %s, %s", in.Commit, in.Author, in.Subject)
	}
	s.line(depth, "%s", text)
	if in.Made != nil {
		s.origin(depth+1, in.Made)
	}
}
