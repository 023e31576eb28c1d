package cmd

import (
	"fmt"
	"os"
	"strings"

	"github.com/mlops-cli/mlops/pkg/pipeline"
	"github.com/mlops-cli/mlops/pkg/term"
)

// inGitHub reports whether a job of GitHub Actions runs this.
func inGitHub() bool { return os.Getenv("GITHUB_ACTIONS") == "true" }

// githubGroup folds what a stage prints in the log of a job.
func githubGroup(stage string) (begin, end string) {
	return "::group::" + githubText(stage), "::endgroup::"
}

// githubReport shows failed stages beside the lines that define them.
type githubReport struct{ io *term.IO }

func (g *githubReport) event(e pipeline.Event) {
	if e.Type != pipeline.StageEnded || e.Err == nil {
		return
	}
	g.io.Raw(fmt.Sprintf("::error file=%s,line=%d,title=%s::%s",
		githubProperty(e.Stage.File), e.Stage.Pos.Line, githubProperty("stage "+e.Name+" failed"), githubText(e.Err.Error()+lastLines(e.Tail))))
}

func (g *githubReport) end(pipeline.Result, error) error { return nil }

// lastLines is the end of what a stage printed, for an annotation.
func lastLines(tail string) string {
	lines := strings.Split(strings.TrimSpace(tail), "\n")
	if tail = strings.Join(lines[max(0, len(lines)-10):], "\n"); tail == "" {
		return ""
	}
	return "\n" + tail
}

// githubText escapes the text of a workflow command, githubProperty one of its
// properties.
func githubText(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(s)
}

func githubProperty(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C").Replace(s)
}
