package ui_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/mlops-cli/mlops/pkg/release"
)

// TestLineageOfVersion: a later stage of the run that made a model reads it, as
// one that evaluates does.
func TestLineageOfVersion(t *testing.T) {
	t.Parallel()
	p := fixture(t)
	for _, path := range []string{"model.bin", "confusion.csv"} {
		_, err := p.deps.Release.(*release.Releaser).Register(t.Context(), release.Request{Dir: p.repo.Root, Source: pipelineID + ":" + path, Model: strings.TrimSuffix(path, ".bin")})
		must(t, err)
	}
	w := get(t, p.handler(t), "/models/model/1")
	if w.Code != http.StatusOK {
		t.Fatalf("%d\n%s", w.Code, w.Body)
	}
	for _, text := range []string{
		`href="/runs/` + pipelineID + `/stages#stage-train"`, `href="/runs/` + pipelineID + `/stages#stage-prepare"`, "stage of pipeline-first",
		`href="/data/data/train"`, `href="/runs/` + pipelineID + `/stages#stage-evaluate"`, `href="/models/confusion.csv/1"`,
	} {
		if n := strings.Count(w.Body.String(), text); n == 0 {
			t.Errorf("the lineage does not show %q", text)
		}
	}
}

// TestLineageOfCode: the page of data has no code, so a link to it leads nowhere.
func TestLineageOfCode(t *testing.T) {
	t.Parallel()
	p := fixture(t)
	h := p.handler(t)
	body := get(t, h, "/runs/pipeline-first/data").Body.String()
	for _, link := range strings.Split(body, `href="`)[1:] {
		to, _, _ := strings.Cut(link, `"`)
		if strings.HasPrefix(to, "/") && !strings.HasPrefix(to, "/static/") {
			if w := get(t, h, to); w.Code >= 400 {
				t.Errorf("%s: %d", to, w.Code)
			}
		}
	}
}
