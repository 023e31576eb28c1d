package ui_test

import (
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/route"
	"github.com/mlops-cli/mlops/pkg/ui"
)

// ask answers a request without a network.
func ask(t *testing.T, h http.Handler, method, target, body string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func get(t *testing.T, h http.Handler, target string) *httptest.ResponseRecorder {
	t.Helper()
	return ask(t, h, http.MethodGet, target, "")
}

func TestPages(t *testing.T) {
	t.Parallel()
	p := fixture(t)
	h := p.handler(t)
	for target, want := range map[string][]string{
		"/runs":                                            {"digits", "pipelines", `id="grid"`},
		"/runs/rich":                                       {"Baseline", "<strong>first</strong>", "https://example.com/b", "&lt;script&gt;", "vision", "ada", "system/cpu", `More tags <span class="dim num">2</span>`, "mlflow.loggedArtifacts", "long long"},
		"/runs/" + richID[:8] + "/metrics":                 {`data-key="train/loss"`, "System"},
		"/runs/rich/files":                                 {"report.html", "plots"},
		"/runs/rich/files/plots/heat.png":                  {`src="/raw/` + richID + `/files/plots/heat.png"`},
		"/runs/rich/files/plots/confusion.csv":             {"Confusion matrix of 3 classes", "75.0 % on the diagonal"},
		"/runs/rich/files/plots/matrix.csv":                {"Confusion matrix of 2 classes", "91.2 % on the diagonal"},
		"/runs/rich/files/dir/classes.csv":                 {`rotate(-45`, "a class with…", "<title>a class with a rather long name</title>"},
		"/runs/rich/files/plots":                           {`<img src="/raw/` + richID + `/files/plots/heat.png"`},
		"/runs/rich/files/rows.parquet":                    {"250 rows, 4 columns", "list of int64", "<small>double</small>", "[1, 2]", "The first 100 rows are shown"},
		"/runs/rich/files/damaged.parquet":                 {"not a Parquet file", "written to its end"},
		"/runs/rich/metrics":                               {`<dt title="diverged">diverged</dt><dd title="NaN">NaN</dd>`, `data-key="accuracy"`},
		"/experiments?deleted":                             {"Nothing is deleted"},
		"/runs/rich/files/notes.md":                        {"<em>digits</em>", "&lt;script&gt;"},
		"/runs/rich/files/config.json":                     {"&#34;layers&#34;: ["},
		"/runs/rich/files/report.html":                     {`sandbox="allow-scripts"`},
		"/runs/rich/files/weights.bin":                     {"of no kind that is shown"},
		"/runs/rich/files/dir":                             {"deep/"},
		"/runs/rich/models/m-" + richID + "/MLmodel":       {"digits-net", "sklearn: {}"},
		"/runs/rich/files/tone.wav":                        {"<audio"},
		"/runs/pipeline-first/data":                        {"data/train", "confusion.csv", "Graph of lineage"},
		"/runs/pipeline-first/outputs/prepared":            {"all.txt"},
		"/runs/pipeline-first/outputs/prepared/all.txt":    {"more"},
		"/runs/pipeline-first/stages":                      {"epoch 1 loss 0.3", "never ran"},
		"/runs/pipeline-slower/stages":                     {"params.yaml:train.lr"},
		"/runs/pipeline-slower/code?against=" + pipelineID: {"train.lr", "0.05"},
		"/runs/" + deletedID:                               {"in the bin", "Restore"},
		"/runs/sweep":                                      {"Runs inside it", "trial-00"},
		"/compare":                                         {"Nothing to compare"},
		"/compare?runs=trial-01,trial-02":                  {"What differs", "accuracy", `id="compare-data"`},
		"/compare?all&runs=rich,pipeline-first":            {"heat.png", "Confusion matrix"},
		"/experiments":                                     {"digits", "1 running"},
		"/data":                                            {"data/train", "as recorded", "model.bin"},
		"/data/data/train":                                 {"More images", "First images", "pipeline-first", "3.txt"},
		"/data/data/train?from=HEAD~1&to=HEAD":             {"added", "deleted", "0.txt"},
		"/data/model.bin":                                  {"made it"},
		"/models":                                          {"digits", "@production → 1", "classification"},
		"/models/digits":                                   {"Version 2", "task classification", "0.95", "Reads <strong>digits</strong>"},
		"/models/digits/1":                                 {"For digits only", "sklearn, python_function", "pixel", "Apache-2.0", "Lineage of version 1"},
		"/models/digits/2":                                 {"Gates of @production", "accuracy", "does not", "version 1 has it now"},
		"/models/digits/production":                        {"Version 1"},
		"/pipelines":                                       {"up to date", "evaluate", "<svg"},
		"/pipelines?stage=train":                           {"mlops.yaml:", "params.yaml:train.epochs", "pipeline-slower"},
	} {
		w := get(t, h, target)
		body := w.Body.String()
		if w.Code != http.StatusOK {
			t.Errorf("%s: %d\n%s", target, w.Code, body)
			continue
		}
		for _, text := range want {
			if !strings.Contains(body, text) {
				t.Errorf("%s does not show %q", target, text)
			}
		}
		if strings.Contains(body, "<script>") || strings.Contains(body, " style=") || strings.Contains(body, " onclick=") {
			t.Errorf("%s has a script or a style in the page", target)
		}
		if csp := w.Header().Get("Content-Security-Policy"); !strings.Contains(csp, "script-src 'self'") {
			t.Errorf("%s: policy %q", target, csp)
		}
	}
}

func TestWhatIsNotThereIsSaid(t *testing.T) {
	t.Parallel()
	h := fixture(t).handler(t)
	for target, want := range map[string]struct {
		code int
		text string
	}{
		"/runs/richh":                       {404, "rich"},
		"/runs/rich/files/nope.txt":         {404, "nope.txt"},
		"/runs/rich/files/..%2f..%2fsecret": {400, ""},
		"/raw/rich/files/dir":               {400, "directory"},
		"/raw/rich/outputs/nope":            {404, ""},
		"/models/nope":                      {404, "nope"},
		"/models/digits/9":                  {404, ""},
		"/data/nope":                        {404, "mlops add nope"},
		"/pipelines?stage=trainn":           {404, "train"},
		"/experiments/77":                   {404, ""},
		"/compare?runs=rich,nobody":         {404, "nobody"},
		"/ui/runs?filter=metrics.a+%3E":     {400, ""},
		"/ui/curves?key=accuracy":           {400, ""},
		"/ui/runs/changes?since=yesterday":  {400, ""},
	} {
		w := get(t, h, target)
		if w.Code != want.code || !strings.Contains(w.Body.String(), want.text) {
			t.Errorf("%s: %d, want %d with %q:\n%s", target, w.Code, want.code, want.text, w.Body)
		}
	}
}

func feedOf(t *testing.T, h http.Handler, target string) (feed struct {
	IDs    string
	Width  int
	Names  []string
	Status string
	Parent []int
	Cols   []struct {
		Key string
		V   []any
		I   []int
		T   []string
	}
	Keys []struct {
		Key string
		N   int
	}
	Shown []string
	Now   int64
},
) {
	t.Helper()
	w := get(t, h, target)
	if w.Code != http.StatusOK {
		t.Fatalf("%s: %d %s", target, w.Code, w.Body)
	}
	must(t, json.Unmarshal(w.Body.Bytes(), &feed))
	return feed
}

func TestRunsFeed(t *testing.T) {
	t.Parallel()
	p := fixture(t)
	h := p.handler(t)
	all := feedOf(t, h, "/ui/runs")
	if len(all.Names) != 29 || len(all.IDs) != 29*all.Width || len(all.Status) != 29 || len(all.Parent) != 29 {
		t.Fatalf("feed of %d names, %d letters, %d parents", len(all.Names), len(all.Status), len(all.Parent))
	}
	if !strings.Contains(strings.Join(all.Shown, " "), "metrics.accuracy") || strings.Contains(strings.Join(all.Shown, " "), "seed") {
		t.Errorf("shown by itself: %v", all.Shown)
	}
	one := feedOf(t, h, "/ui/runs?"+url.Values{"filter": {"params.lr = '0.1' and attributes.user_id = 'ada'"}, "cols": {"params.lr", "metrics.accuracy"}}.Encode())
	if len(one.Names) == 0 || len(one.Cols) != 2 || len(one.Cols[0].T) != 1 || one.Cols[0].T[0] != "0.1" {
		t.Errorf("filtered: %+v", one)
	}
	if byName := feedOf(t, h, "/ui/runs?filter=TRIAL-0"); len(byName.Names) != 10 {
		t.Errorf("words are looked for in names: %v", byName.Names)
	}
	if bin := feedOf(t, h, "/ui/runs?deleted"); len(bin.Names) != 1 || bin.Names[0] != "gone" {
		t.Errorf("deleted: %v", bin.Names)
	}
	changes := feedOf(t, h, fmt.Sprintf("/ui/runs/changes?since=%d&cols=metrics.accuracy", all.Now))
	if changes.Width != 32 || !strings.Contains(changes.IDs, runningID) {
		t.Errorf("changes: %+v", changes)
	}
}

func TestCurves(t *testing.T) {
	t.Parallel()
	h := fixture(t).handler(t)
	var feed struct {
		Series []struct {
			Run string
			X   []int64
			Y   []any
		}
	}
	w := get(t, h, "/ui/curves?key=train/loss&run="+richID+"&run="+runningID)
	must(t, json.Unmarshal(w.Body.Bytes(), &feed))
	if len(feed.Series) != 1 || feed.Series[0].Run != richID || len(feed.Series[0].X) != 200 || len(feed.Series[0].Y) != 200 {
		t.Errorf("curves: %.300s", w.Body)
	}
	if w := get(t, h, "/ui/curves?key=diverged&run="+richID); !strings.Contains(w.Body.String(), `"NaN"`) {
		t.Errorf("NaN is a word: %s", w.Body)
	}
}

func TestChanges(t *testing.T) {
	t.Parallel()
	p := fixture(t)
	h := p.handler(t)
	post := func(target, body string) *httptest.ResponseRecorder {
		t.Helper()
		kind := "application/x-www-form-urlencoded"
		if strings.HasPrefix(target, "/ui/") {
			kind = "application/json"
		}
		w := ask(t, h, http.MethodPost, target, body, "Content-Type", kind, "Sec-Fetch-Site", "same-origin")
		if w.Code >= 400 {
			t.Errorf("%s: %d %s", target, w.Code, w.Body)
		}
		return w
	}
	post("/ui/runs/tag", `{"runs":["trial-01","`+richID[:12]+`"],"key":"kept","value":"yes"}`)
	post("/ui/runs/delete", `{"runs":["trial-02"]}`)
	post("/ui/runs/restore", `{"runs":["`+deletedID[:12]+`"]}`)
	post("/runs/"+richID+"/name", "name=richer")
	post("/runs/"+richID+"/note", "note=one%0D%0Atwo")
	post("/runs/"+richID+"/tag", "key=a&value=b")
	post("/runs/"+richID+"/tag", "remove=team")
	post("/models/digits/edit", "do=alias&version=2&alias=champion")
	post("/models/digits/edit", "do=stage&version=2&stage=Production&archive=1")
	if w := post("/models/digits/edit", "do=describe&text=new"); w.Header().Get("Location") != "/models/digits" {
		t.Errorf("after a change: %v", w.Header())
	}
	gated := func(do string) int {
		t.Helper()
		return ask(t, h, http.MethodPost, "/models/digits/edit", "do="+do+"&version=2&alias=production", "Content-Type", "application/x-www-form-urlencoded").Code
	}
	if a, b := gated("alias"), gated("promote"); a < 400 || b != http.StatusConflict {
		t.Errorf("an alias moved although its gates do not hold: %d, %d", a, b)
	}
	if a, b := gated("approve"), gated("promote"); a != http.StatusSeeOther || b != http.StatusSeeOther {
		t.Errorf("an alias did not move although its gates hold: %d, %d", a, b)
	}
	run, err := p.runs.Run(t.Context(), richID)
	must(t, err)
	tags := fmt.Sprint(run.Tags)
	if run.Name != "richer" || run.Note != "one\ntwo" || !strings.Contains(tags, "{kept yes") || !strings.Contains(tags, "{a b") || strings.Contains(tags, "team") {
		t.Errorf("%s %q %s", run.Name, run.Note, tags)
	}
	if _, err := p.runs.Resolve(t.Context(), "trial-02"); err == nil {
		t.Error("trial-02 is still there")
	}
	if _, err := p.runs.Resolve(t.Context(), "gone"); err != nil {
		t.Error(err)
	}
	if m, err := p.deps.Models.Model(t.Context(), "digits"); err != nil || m.Description != "new" || len(m.Aliases) != 2 {
		t.Errorf("%+v %v", m, err)
	}
	if w := ask(t, h, http.MethodPost, "/ui/runs/delete", `{"runs":["`+richID+`"]}`, "Sec-Fetch-Site", "cross-site"); w.Code != http.StatusForbidden {
		t.Errorf("from elsewhere: %d", w.Code)
	}
}

func TestFilesCannotActAsPages(t *testing.T) {
	t.Parallel()
	h := fixture(t).handler(t)
	for name, want := range map[string]struct{ kind, disposition, policy string }{
		"report.html": {"text/html; charset=utf-8", "inline", "sandbox allow-scripts;"},
		"evil.svg":    {"image/svg+xml", "inline", "sandbox;"},
		"log.txt":     {"application/octet-stream", "attachment", "sandbox;"},
		"weights.bin": {"application/octet-stream", "attachment", "sandbox;"},
		"notes.md":    {"application/octet-stream", "attachment", "sandbox;"},
	} {
		w := get(t, h, "/raw/"+richID+"/files/"+name)
		header := w.Header()
		if header.Get("Content-Type") != want.kind || !strings.HasPrefix(header.Get("Content-Disposition"), want.disposition) ||
			!strings.HasPrefix(header.Get("Content-Security-Policy"), want.policy) || header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %v", name, header)
		}
		if strings.Contains(header.Get("Content-Security-Policy"), "allow-same-origin") {
			t.Errorf("%s has our origin", name)
		}
	}
	w := ask(t, h, http.MethodGet, "/raw/"+richID+"/files/log.txt", "", "Range", "bytes=0-6")
	if w.Code != http.StatusPartialContent || w.Body.String() != "epoch 1" {
		t.Errorf("a range: %d %q", w.Code, w.Body)
	}
}

// TestEmpty looks at every page where there is nothing yet.
func TestEmpty(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, err := repo.Init(t.Context(), dir, repo.InitOptions{NoGit: true})
	must(t, err)
	p := open(t, dir)
	bare := &place{deps: ui.Deps{Name: "store", Version: "dev", Clock: p.deps.Clock, Runs: p.runs, Curves: p.runs, Compare: p.deps.Compare}}
	for _, where := range []*place{p, bare} {
		h := where.handler(t)
		for _, target := range []string{"/runs", "/experiments", "/models", "/data", "/pipelines", "/compare"} {
			if w := get(t, h, target); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `class="empty"`) && target != "/experiments" {
				t.Errorf("%s: %d\n%s", target, w.Code, w.Body)
			}
		}
	}
}

// TestGuard keeps what a user may not see out of lists, pages and feeds.
func TestGuard(t *testing.T) {
	t.Parallel()
	p := fixture(t)
	inner := p.handler(t)
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		inner.ServeHTTP(w, r.WithContext(route.WithUser(r.Context(), route.User{Name: "eve"}, deny{p})))
	})
	if f := feedOf(t, h, "/ui/runs"); len(f.Names) != 2 {
		t.Errorf("runs of others: %v", f.Names)
	}
	rich, err := p.runs.Run(t.Context(), richID)
	must(t, err)
	experiment := "/experiments/" + rich.ExperimentID
	if w := ask(t, h, http.MethodPost, experiment+"/edit", "do=delete", "Content-Type", "application/x-www-form-urlencoded"); w.Code != http.StatusForbidden {
		t.Errorf("who may not see an experiment deleted it: %d", w.Code)
	}
	for _, target := range []string{experiment + "/about", "/runs/" + richID + "/live/train?from=0", "/runs/" + richID, "/runs/rich/files", "/raw/" + richID + "/files/log.txt", "/ui/curves?key=accuracy&run=" + richID, "/compare?runs=rich,pipeline-first", "/models/digits"} {
		if w := get(t, h, target); w.Code != http.StatusForbidden {
			t.Errorf("%s: %d", target, w.Code)
		}
	}
	if w := get(t, h, "/experiments"); strings.Contains(w.Body.String(), "digits</a>") {
		t.Error("an experiment of others is listed")
	}
}

// TestSubjects says what requests are about, so that a server can ask whether
// the user may.
func TestSubjects(t *testing.T) {
	t.Parallel()
	p := fixture(t)
	routes, err := ui.Routes(p.deps)
	must(t, err)
	subjects := map[string]func(*http.Request) ([]route.Subject, error){}
	for _, r := range routes {
		subjects[r.Method+" "+r.Pattern] = r.Subjects
	}
	about := func(pattern string, r *http.Request) string {
		t.Helper()
		all, err := subjects[pattern](r)
		must(t, err)
		return fmt.Sprint(all)
	}
	request := func(method, target, body string) *http.Request {
		return httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	}
	one := request(http.MethodGet, "/runs/rich", "")
	one.SetPathValue("id", "rich")
	if got := about("GET /runs/{id}", one); got != "[{run "+richID+"}]" {
		t.Error(got)
	}
	change := request(http.MethodPost, "/ui/runs/tag", `{"runs":["rich","`+runningID+`"],"key":"k"}`)
	if got := about("POST /ui/runs/tag", change); got != "[{run "+richID+"} {run "+runningID+"}]" {
		t.Error(got)
	}
	if left, err := io.ReadAll(change.Body); err != nil || !strings.Contains(string(left), `"key":"k"`) {
		t.Errorf("the body is gone: %q %v", left, err)
	}
	if got := about("GET /compare", request(http.MethodGet, "/compare?runs=rich", "")); got != "[{run "+richID+"}]" {
		t.Error(got)
	}
}

// deny lets a user see the experiment "pipelines" only.
type deny struct{ *place }

func (d deny) May(ctx context.Context, _ route.User, _ route.Access, s route.Subject) error {
	name := s.ID
	if s.Kind == route.Run {
		run, err := d.runs.Run(ctx, s.ID)
		if err != nil {
			return err
		}
		name = run.Experiment
	}
	if s.Kind == route.Experiment {
		all, err := d.runs.Experiments(ctx)
		if err != nil {
			return err
		}
		for _, e := range all {
			if e.ID == s.ID {
				name = e.Name
			}
		}
	}
	if name == "pipelines" {
		return nil
	}
	return route.Refuse(http.StatusForbidden, "not yours")
}

// TestVendored compares the files that others wrote with their sums.
func TestVendored(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("asset/uplot/SHA256SUMS")
	must(t, err)
	for line := range strings.Lines(string(text)) {
		want, name, _ := strings.Cut(strings.TrimSpace(line), "  ")
		data, err := os.ReadFile(filepath.Join("asset/uplot", name))
		must(t, err)
		if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != want {
			t.Errorf("%s is not as it was published", name)
		}
	}
}

func TestAssets(t *testing.T) {
	t.Parallel()
	p := fixture(t)
	h := p.handler(t)
	_, rest, _ := strings.Cut(get(t, h, "/runs").Body.String(), `href="/static/`)
	hash, _, _ := strings.Cut(rest, "/")
	w := ask(t, h, http.MethodGet, "/static/"+hash+"/app.js", "", "Accept-Encoding", "gzip")
	if w.Header().Get("Content-Encoding") != "gzip" || !strings.Contains(w.Header().Get("Cache-Control"), "immutable") {
		t.Errorf("%v", w.Header())
	}
	z, err := gzip.NewReader(w.Body)
	must(t, err)
	plain, err := io.ReadAll(z)
	must(t, err)
	if want, err := os.ReadFile("asset/app.js"); err != nil || string(want) != string(plain) {
		t.Error("app.js is not what it is", err)
	}
	if w := get(t, h, "/static/old/app.js"); strings.Contains(w.Header().Get("Cache-Control"), "immutable") {
		t.Error("an old name is kept for good")
	}
	if w := get(t, h, "/static/"+hash+"/../page/layout.html"); w.Code == http.StatusOK {
		t.Error("a template is served")
	}
}

func TestExperimentsAreChanged(t *testing.T) {
	t.Parallel()
	p := fixture(t)
	h := p.handler(t)
	run, err := p.runs.Run(t.Context(), richID)
	must(t, err)
	edit := func(form string) int {
		return ask(t, h, http.MethodPost, "/experiments/"+run.ExperimentID+"/edit", form, "Content-Type", "application/x-www-form-urlencoded").Code
	}
	about := "/experiments/" + run.ExperimentID + "/about"
	for _, form := range []string{"do=rename&name=numbers", "do=note&note=" + url.QueryEscape("# Why\n\nTo *read* numbers. "+evil), "do=tag&key=team&value=vision"} {
		if code := edit(form); code != http.StatusSeeOther {
			t.Errorf("%s: %d", form, code)
		}
	}
	body := get(t, h, about).Body.String()
	for _, text := range []string{"<h1>numbers</h1>", "<em>read</em>", "&lt;script&gt;", "vision", "still-running"} {
		if !strings.Contains(body, text) {
			t.Errorf("%q is not shown", text)
		}
	}
	if w := get(t, h, "/experiments"); !strings.Contains(w.Body.String(), ">Why</small>") {
		t.Error("the first line of the note is not listed")
	}
	if code := edit("do=delete"); code != http.StatusSeeOther {
		t.Errorf("delete: %d", code)
	}
	if w := get(t, h, "/experiments?deleted"); !strings.Contains(w.Body.String(), "numbers") {
		t.Error("a deleted experiment is not listed")
	}
	if w := get(t, h, "/experiments"); strings.Contains(w.Body.String(), "numbers") {
		t.Error("a deleted experiment is listed as if it were not")
	}
	if w := get(t, h, about); !strings.Contains(w.Body.String(), "This experiment is deleted") {
		t.Error("its page does not say that it is deleted")
	}
	if code := edit("do=restore"); code != http.StatusSeeOther {
		t.Errorf("restore: %d", code)
	}
	if w := get(t, h, "/runs/rich"); w.Code != http.StatusOK {
		t.Errorf("its runs: %d", w.Code)
	}
	if code := edit("do=paint"); code != http.StatusBadRequest {
		t.Errorf("an unknown change: %d", code)
	}
	var answer struct{ HTML string }
	w := ask(t, h, http.MethodPost, "/ui/markdown", `{"text":"**bold** <b>no</b>"}`)
	if must(t, json.Unmarshal(w.Body.Bytes(), &answer)); answer.HTML != "<p><strong>bold</strong> &lt;b&gt;no&lt;/b&gt;</p>" && !strings.Contains(answer.HTML, "<strong>bold</strong> &lt;b&gt;") {
		t.Errorf("preview: %s", w.Body)
	}
}
