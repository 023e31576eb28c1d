package lineage_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mlops-cli/mlops/pkg/lineage"
)

const runID = "0123456789abcdef0123456789abcdef"

func pipeline() lineage.Pipeline {
	return lineage.Pipeline{
		RunID: runID, File: "mlops.yaml", Root: "file:///repo", Version: "1.2.3",
		Git: lineage.Git{URL: "git@github.com:org/repo.git", Commit: "abc", Branch: "main"},
	}
}

// tell reports a run in which one stage was restored and one failed.
func tell(r *lineage.Reporter) {
	at := time.Unix(1764000000, 5e6)
	r.Begin(at)
	data := lineage.Asset{Path: "data", ID: strings.Repeat("a", 64), Size: 10, Files: 2}
	model := lineage.Asset{Path: "model", ID: strings.Repeat("b", 64), Size: 4, Files: 1}
	r.EndStage(at, lineage.Complete, lineage.Stage{Name: "prepare", File: "mlops.yaml", Commands: []string{"cp raw data"}, Outputs: []lineage.Asset{data}}, "")
	train := lineage.Stage{Name: "train", File: "mlops.yaml", Desc: "fits", Commands: []string{"a", "b"}, Inputs: []lineage.Asset{data}, Outputs: []lineage.Asset{model}}
	r.BeginStage(at, train)
	r.EndStage(at, lineage.Fail, train, "exit code 1")
	r.End(at, lineage.Fail, "stage train failed")
}

func TestEventsFollowThePublishedSchema(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "lineage.jsonl")
	sink, err := lineage.Open(t.Context(), lineage.Target{File: file})
	if err != nil {
		t.Fatal(err)
	}
	tell(lineage.NewReporter(sink, pipeline()))
	if err := sink.Close(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	all := loadSchemas(t)
	var told []string
	for line := range strings.Lines(string(text)) {
		var e map[string]any
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		bad := append(all.check(e["schemaURL"].(string), e), all.facets(e, "event")...)
		if len(bad) > 0 {
			t.Errorf("%s\n%s", line, strings.Join(bad, "\n"))
		}
		told = append(told, e["eventType"].(string)+" "+e["job"].(map[string]any)["name"].(string))
	}
	want := "START mlops.yaml, START mlops.yaml:prepare, COMPLETE mlops.yaml:prepare, START mlops.yaml:train, FAIL mlops.yaml:train, FAIL mlops.yaml"
	if got := strings.Join(told, ", "); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	for _, want := range []string{
		`"namespace":"https://github.com/org/repo"`, `"runId":"01234567-89ab-cdef-0123-456789abcdef"`, `"sourceCode":"a\nb"`,
		`"message":"exit code 1"`, `"datasetVersion":"` + strings.Repeat("a", 64) + `"`, `"description":"fits"`,
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
}

func TestTheCheckFindsFaults(t *testing.T) {
	t.Parallel()
	all := loadSchemas(t)
	bad := all.check("https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent", map[string]any{
		"eventTime": "yesterday", "producer": "me", "schemaURL": "https://x", "eventType": "BEGIN", "run": map[string]any{"runId": "1"},
		"inputs": []any{map[string]any{"name": "x", "facets": map[string]any{"version": map[string]any{}}}},
	})
	for _, want := range []string{"is no time", "is no URI", "is none of", "is no UUID", "job is missing", "namespace is missing", "_producer is missing"} {
		if !strings.Contains(strings.Join(bad, "\n"), want) {
			t.Errorf("not found: %s", want)
		}
	}
}

func TestSinkPosts(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var got []string
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		got = append(got, r.Method+" "+r.URL.Path+" "+r.Header.Get("Authorization")+" "+string(body[:14]))
	}))
	defer server.Close()
	for _, url := range []string{server.URL, server.URL + "/api/v1/lineage"} {
		sink, err := lineage.Open(t.Context(), lineage.Target{URL: url, Key: "k"})
		if err != nil {
			t.Fatal(err)
		}
		lineage.NewReporter(sink, pipeline()).Begin(time.Now())
		if err := sink.Close(); err != nil {
			t.Fatal(err)
		}
	}
	want := `POST /api/v1/lineage Bearer k {"eventTime":"`
	if len(got) != 2 || got[0] != want || got[1] != want {
		t.Errorf("got %q", got)
	}
}

// TestSinkNeverHoldsUp: a server that refuses costs a warning, one that does
// not answer no more than the wait at the end.
func TestSinkNeverHoldsUp(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no room", http.StatusInsufficientStorage) }))
	defer server.Close()
	sink, err := lineage.Open(t.Context(), lineage.Target{URL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	for range 3000 {
		sink.Send(lineage.Event{})
	}
	if took := time.Since(start); took > time.Second {
		t.Errorf("sending held up for %s", took)
	}
	err = sink.Close()
	if err == nil || !strings.Contains(err.Error(), "3000 events were not sent") || !strings.Contains(err.Error(), "no room") {
		t.Errorf("got %v", err)
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	for _, target := range []lineage.Target{{URL: "localhost:5000"}, {URL: "ftp://x"}, {File: filepath.Join(t.TempDir(), "no", "file")}} {
		if _, err := lineage.Open(t.Context(), target); err == nil {
			t.Errorf("%v was taken", target)
		}
	}
}
