package reproduce

import (
	"context"
	"fmt"
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/track"
)

// Branched is a branch that was made of a run.
type Branched struct {
	RunID      string `json:"run_id"`
	Branch     string `json:"branch"`
	Commit     string `json:"commit"`
	Parent     string `json:"parent"` // the commit that the run began with
	Incomplete bool   `json:"incomplete"`
}

// Branch makes a branch of git: the commit of a run and, on top, one with the
// code, params, pointers and locks of the run. The workspace stays as it is.
// Name "" is the name of the run.
func (p *Reproducer) Branch(ctx context.Context, run *track.Run, name string) (Branched, error) {
	res := Branched{RunID: run.ID, Branch: name, Parent: run.Git.Commit, Incomplete: lacksChanges(run)}
	if name == "" {
		res.Branch = run.Name
	}
	if !p.repo.Git().Exists() {
		return res, errs.New(errs.Usage, "there is no git repository to make a branch in").Hint("mlops runs apply %.8s brings the files of the run back", run.ID)
	}
	k, err := p.kept(ctx, run)
	if err != nil {
		return res, err
	}
	code, err := p.tree(ctx, run, k)
	if err != nil {
		return res, err
	}
	res.Commit, err = p.repo.Git().MakeBranch(ctx, res.Branch, code, run.Git.Commit, message(run))
	return res, err
}

// message is what the commit of a run says.
func message(run *track.Run) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Run %s\n", run.Name)
	if run.Note != "" {
		b.WriteString("\n" + run.Note + "\n")
	}
	if len(run.Params)+len(run.Metrics) > 0 {
		b.WriteString("\n")
	}
	for _, param := range run.Params {
		fmt.Fprintf(&b, "%s: %.100s\n", param.Key, strings.ReplaceAll(param.Value, "\n", " "))
	}
	for _, m := range run.Metrics {
		fmt.Fprintf(&b, "%s: %s\n", m.Key, m.Value)
	}
	fmt.Fprintf(&b, "\nRun: %s\n", run.ID)
	return b.String()
}
