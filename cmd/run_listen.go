package cmd

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/fsx"
	"github.com/mlops-cli/mlops/pkg/junit"
	"github.com/mlops-cli/mlops/pkg/lineage"
	"github.com/mlops-cli/mlops/pkg/pipeline"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/stagefile"
	"github.com/mlops-cli/mlops/pkg/track"
	"github.com/mlops-cli/mlops/pkg/version"
)

// listener hears of a run beside the terminal.
type listener interface {
	event(e pipeline.Event)
	// end says how the run ended; its error is a warning.
	end(r pipeline.Result, runErr error) error
}

// listeners are those that the flags, the settings and the environment ask for.
func (o *runOptions) listeners(ctx context.Context) ([]listener, error) {
	var all []listener
	if o.junit != "" {
		file, err := filepath.Abs(o.junit)
		if err != nil {
			return nil, err
		}
		if info, err := os.Stat(filepath.Dir(file)); err != nil || !info.IsDir() {
			return nil, errs.New(errs.Usage, "--junit %s: its directory does not exist", o.junit)
		}
		all = append(all, &junitReport{file: file})
	}
	if l, err := o.app.lineage(ctx); err != nil {
		return nil, err
	} else if l != nil {
		all = append(all, l)
	}
	if inGitHub() && !o.app.io.JSON {
		all = append(all, &githubReport{io: o.app.io})
	}
	if !o.app.io.JSON {
		all = append(all, &progressNotes{io: o.app.io, timers: map[string]*time.Timer{}})
	}
	return all, nil
}

// junitReport gathers the stages of a run and writes them at its end.
type junitReport struct {
	file   string
	suite  junit.Suite
	chosen []*stagefile.Stage
	ended  map[string]bool // by address
}

func (j *junitReport) event(e pipeline.Event) {
	switch e.Type {
	case pipeline.RunStarted:
		j.chosen, j.ended = e.Chosen, map[string]bool{}
		j.suite.Name, j.suite.Started = e.Run.Name, e.Time
		j.suite.Properties = []junit.Property{{Name: "run_id", Value: e.Run.ID}, {Name: "experiment", Value: e.Run.Experiment}}
		if e.Run.Git.Commit != "" {
			j.suite.Properties = append(j.suite.Properties, junit.Property{Name: "git_commit", Value: e.Run.Git.Commit})
		}
	case pipeline.StageEnded:
		j.ended[e.Name] = true
		c := junit.Case{Class: e.Stage.File, Name: e.Name, Seconds: e.Seconds}
		why := strings.Join(e.Reasons, "; ")
		switch {
		case e.Err != nil:
			c.Failure = &junit.Failure{Message: e.Err.Error(), Text: strings.TrimLeft(why+"\n\n", "\n") + e.Tail}
		case e.Action == pipeline.Skipped:
			why = cmp.Or(why, "up to date")
			c.Skipped = &why
		default:
			c.Output = strings.TrimSuffix(string(e.Action)+": "+why, ": ") + "\n" + e.Tail
		}
		j.suite.Cases = append(j.suite.Cases, c)
	default:
	}
}

func (j *junitReport) end(r pipeline.Result, _ error) error {
	if r.RunID == "" {
		return nil // it did not begin
	}
	j.suite.Seconds = r.Seconds
	never := "not started"
	for _, s := range j.chosen {
		if !j.ended[s.Address()] {
			j.suite.Cases = append(j.suite.Cases, junit.Case{Class: s.File, Name: s.Address(), Skipped: &never})
		}
	}
	var b bytes.Buffer
	if err := junit.Write(&b, j.suite); err != nil {
		return err
	}
	return fsx.Output(j.file, 0o666, func(w io.Writer) error {
		_, err := w.Write(b.Bytes())
		return err
	})
}

// lineage opens what tells OpenLineage of a run; nil when nobody wants to know.
func (a *app) lineage(ctx context.Context) (*lineageReport, error) {
	r, err := a.repo(ctx)
	if err != nil {
		return nil, err
	}
	target, namespace := lineageTarget(r)
	if target.File == "" && target.URL == "" {
		return nil, nil
	}
	sink, err := lineage.Open(ctx, target)
	if err != nil {
		return nil, err
	}
	return &lineageReport{sink: sink, namespace: namespace, root: r.Root, clock: a.clock.Now}, nil
}

// lineageTarget says where OpenLineage events go: by the settings, else by the
// variables that all programs of OpenLineage know.
func lineageTarget(r *repo.Repo) (lineage.Target, string) {
	c := r.Config.Lineage
	if strings.EqualFold(os.Getenv("OPENLINEAGE_DISABLED"), "true") {
		return lineage.Target{}, ""
	}
	t := lineage.Target{File: c.File, URL: c.URL, Key: os.Getenv("OPENLINEAGE_API_KEY"), Endpoint: os.Getenv("OPENLINEAGE_ENDPOINT")}
	if t.URL == "" {
		t.URL = os.Getenv("OPENLINEAGE_URL")
	}
	if t.File != "" && !filepath.IsAbs(t.File) {
		t.File = filepath.Join(r.Root, filepath.FromSlash(t.File))
	}
	return t, cmp.Or(c.Namespace, os.Getenv("OPENLINEAGE_NAMESPACE"))
}

// lineageReport tells OpenLineage of a run.
type lineageReport struct {
	sink      *lineage.Sink
	namespace string
	root      string
	clock     func() time.Time
	reporter  *lineage.Reporter
}

func (l *lineageReport) event(e pipeline.Event) {
	switch {
	case e.Type == pipeline.RunStarted:
		root := (&url.URL{Scheme: "file", Path: "/" + strings.TrimPrefix(filepath.ToSlash(l.root), "/")}).String()
		l.reporter = lineage.NewReporter(l.sink, lineage.Pipeline{
			Namespace: l.namespace, RunID: e.Run.ID, File: cmp.Or(e.Run.Source, stagefile.FileName), Root: root, Version: version.Get().Version,
			Git: lineage.Git{URL: e.Run.Git.Remote, Commit: e.Run.Git.Commit, Branch: e.Run.Git.Branch},
		})
		l.reporter.Begin(e.Time)
	case e.Type == pipeline.StageStarted:
		l.reporter.BeginStage(e.Time, lineageStage(e))
	case e.Type == pipeline.StageEnded && e.Action != pipeline.Skipped:
		how, why := lineage.Complete, ""
		if e.Err != nil {
			how, why = lineage.Fail, e.Err.Error()
		}
		if errors.Is(e.Err, context.Canceled) {
			how = lineage.Abort
		}
		l.reporter.EndStage(e.Time, how, lineageStage(e), why)
	}
}

func lineageStage(e pipeline.Event) lineage.Stage {
	s := lineage.Stage{Name: e.Name, File: e.Stage.File, Desc: e.Stage.Desc, Commands: e.Stage.Cmd}
	if e.Record != nil {
		s.Inputs, s.Outputs = lineageAssets(e.Record.Deps), lineageAssets(e.Record.Outs)
	}
	return s
}

func lineageAssets(list []stagefile.Asset) []lineage.Asset {
	out := make([]lineage.Asset, len(list))
	for i, a := range list {
		out[i] = lineage.Asset{Path: a.Path, ID: a.ID.String(), Size: a.Size, Files: a.Files}
	}
	slices.SortFunc(out, func(a, b lineage.Asset) int { return strings.Compare(a.Path, b.Path) })
	return out
}

func (l *lineageReport) end(r pipeline.Result, runErr error) error {
	if l.reporter != nil {
		how, why := lineage.Complete, ""
		if runErr != nil {
			how, why = lineage.Fail, runErr.Error()
		}
		if r.Status == track.Killed {
			how = lineage.Abort
		}
		l.reporter.End(l.clock(), how, why)
	}
	return l.sink.Close()
}
