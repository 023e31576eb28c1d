package ui_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/track"
)

// tenThousand is a store with as many runs: four metrics and six params each.
func tenThousand(t testing.TB) *place {
	t.Helper()
	dir := t.TempDir()
	_, err := repo.Init(t.Context(), dir, repo.InitOptions{NoGit: true})
	must(t, err)
	p := open(t, dir)
	random := rand.New(rand.NewPCG(1, 2))
	now := time.Now().UnixMilli()
	var records [][]byte
	for i := range 10_000 {
		id := fmt.Sprintf("%016x%016x", random.Uint64(), random.Uint64())
		start := now - int64(10_000-i)*61_000 - int64(random.IntN(60_000))
		r := track.Record{Run: track.Run{
			ID: id, Name: track.NameOf(id), Experiment: []string{"digits", "faces", "speech"}[i%3], Kind: track.Script, Status: track.Finished,
			StartTime: start, EndTime: start + int64(random.IntN(3_600_000)), User: []string{"ada", "grace", "alan"}[random.IntN(3)],
			Params: []track.Param{
				{Key: "batch", Value: []string{"32", "64", "128"}[random.IntN(3)]},
				{Key: "dropout", Value: fmt.Sprint(math.Round(random.Float64()*100) / 100)},
				{Key: "layers", Value: fmt.Sprint(1 + random.IntN(6))},
				{Key: "lr", Value: []string{"0.1", "0.01", "0.001"}[random.IntN(3)]},
				{Key: "optimizer", Value: []string{"adam", "sgd"}[random.IntN(2)]},
				{Key: "seed", Value: fmt.Sprint(random.IntN(1000))},
			},
		}}
		for _, key := range []string{"accuracy", "f1", "loss", "val_loss"} {
			r.Points = append(r.Points, track.Curve{Key: key, Times: []int64{start}, Steps: []int64{1}, Values: []track.Value{track.Value(random.Float64())}})
		}
		data, err := r.Encode()
		must(t, err)
		records = append(records, data)
	}
	_, err = p.runs.Import(t.Context(), records...)
	must(t, err)
	return p
}

// maxWire is how many bytes the page of 10,000 runs may take, with all scripts.
const maxWire = 300_000

func TestTenThousandRunsAreLight(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("makes many runs")
	}
	h := tenThousand(t).handler(t)
	began := time.Now()
	w := ask(t, h, http.MethodGet, "/ui/runs", "", "Accept-Encoding", "gzip")
	took := time.Since(began)
	total := w.Body.Len()
	for _, name := range []string{"app.js", "runs.js", "rows.js", "filter.js", "columns.js", "style.css"} {
		total += ask(t, h, http.MethodGet, "/static/x/"+name, "", "Accept-Encoding", "gzip").Body.Len()
	}
	t.Logf("10,000 runs: feed of %d bytes in %v, with scripts %d", w.Body.Len(), took, total)
	if total > maxWire {
		t.Errorf("%d bytes over the wire, more than %d", total, maxWire)
	}
}

// TestTenThousandRunsInBrowser measures the page where it is looked at.
func TestTenThousandRunsInBrowser(t *testing.T) {
	chromium, npm := browserTools(t)
	s := httptest.NewServer(tenThousand(t).handler(t))
	defer s.Close()
	c := exec.CommandContext(t.Context(), "node", "testdata/large.mjs", s.URL)
	c.Env = append(os.Environ(), "MLOPS_TEST_NPM="+npm, "MLOPS_TEST_CHROMIUM="+chromium)
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
}
