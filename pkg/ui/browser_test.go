package ui_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	engine "github.com/mlops-cli/mlops/pkg/pipeline"
	"github.com/mlops-cli/mlops/pkg/track"
)

// browserTools finds Chromium, node and the parts from npm that drive it; it
// ends the test where one is missing.
func browserTools(t *testing.T) (chromium, npm string) {
	t.Helper()
	missing := func(why string) {
		if slices.Contains(strings.Split(os.Getenv("MLOPS_TEST_MUST_RUN"), ","), "chromium") {
			t.Fatalf("chromium must run here: %s", why)
		}
		fmt.Fprintf(os.Stderr, "SKIPPED: %s: chromium: %s\n", t.Name(), why)
		t.Skip(why)
	}
	if testing.Short() {
		t.Skip("a browser is not started with -short")
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			chromium = found
			break
		}
	}
	if chromium == "" {
		missing("no browser is installed")
	}
	if _, err := exec.LookPath("node"); err != nil {
		missing("node is not installed")
	}
	cache, err := os.UserCacheDir()
	must(t, err)
	npm = filepath.Join(cache, "mlops-test", "npm")
	for _, part := range []string{"playwright-core", "axe-core"} {
		if _, err := os.Stat(filepath.Join(npm, "node_modules", part)); err != nil {
			missing(part + " is not installed; .ci/run tools does it")
		}
	}
	return chromium, npm
}

// TestBrowser walks through the pages in Chromium: testdata/browser.mjs.
func TestBrowser(t *testing.T) {
	chromium, npm := browserTools(t)
	p := fixture(t)
	mux := http.NewServeMux()
	mux.Handle("/", p.handler(t))
	// What a script that trains would do meanwhile.
	mux.HandleFunc("/test/log", func(w http.ResponseWriter, r *http.Request) {
		value, err := strconv.ParseFloat(r.URL.Query().Get("value"), 64)
		if err == nil {
			err = p.runs.Log(r.Context(), runningID, track.Batch{Metrics: []track.Metric{{Key: "accuracy", Value: value, Step: track.NextStep, Timestamp: time.Now().UnixMilli()}}})
		}
		answer(w, err)
	})
	mux.HandleFunc("/test/start", func(w http.ResponseWriter, r *http.Request) {
		_, err := p.runs.Create(r.Context(), track.Run{Name: "newcomer", Experiment: "digits", Kind: track.Script})
		answer(w, err)
	})
	mux.HandleFunc("/test/stage", p.ticker(t))
	s := httptest.NewServer(mux)
	defer s.Close()
	c := exec.CommandContext(t.Context(), "node", "testdata/browser.mjs", s.URL)
	c.Env = append(os.Environ(), "MLOPS_TEST_NPM="+npm, "MLOPS_TEST_CHROMIUM="+chromium)
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
}

// ticker starts a stage that prints as it is told to: once at its start, once
// more for "go", and for the last time for "end".
func (p *place) ticker(t *testing.T) http.HandlerFunc {
	var running sync.WaitGroup
	t.Cleanup(running.Wait)
	file := func(name string) string { return filepath.Join(p.repo.Root, name) }
	return func(w http.ResponseWriter, r *http.Request) {
		if word := r.URL.RawQuery; word != "" {
			answer(w, os.WriteFile(file(word), nil, 0o600))
			return
		}
		pipeline, err := os.ReadFile(file("mlops.yaml"))
		if err == nil {
			stage := "stages:\n  ticker:\n    cmd: echo tick 1 && while [ ! -e go ]; do sleep 0.1; done && printf '  0%%\\r100%%\\n' && echo tick 2 && while [ ! -e end ]; do sleep 0.1; done && echo tick 3\n"
			err = os.WriteFile(file("mlops.yaml"), []byte(strings.Replace(string(pipeline), "stages:\n", stage, 1)), 0o600)
		}
		e := *p.engine
		e.Track = func(context.Context) (track.Recorder, error) { return p.runs, nil }
		e.Describe = func(context.Context) (track.Run, error) { return track.Run{User: "ada"}, nil }
		running.Go(func() {
			q := engine.RunRequest{Name: "ticking", Experiment: "pipelines"}
			q.Stages = []string{"ticker"}
			if _, err := e.Run(t.Context(), q, func(engine.Event) {}); err != nil {
				t.Log(err)
			}
		})
		answer(w, err)
	}
}

func answer(w http.ResponseWriter, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}
