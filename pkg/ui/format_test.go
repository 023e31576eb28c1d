package ui_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/mlops-cli/mlops/pkg/track"
)

// TestLargeNumbers: a throughput is read as digits, not as a power of ten.
func TestLargeNumbers(t *testing.T) {
	t.Parallel()
	p := fixture(t)
	must(t, p.runs.Log(t.Context(), runningID, track.Batch{Metrics: []track.Metric{{Key: "throughput", Value: 2469135.782, Step: 1, Timestamp: 1}}}))
	if body := get(t, p.handler(t), "/runs/"+runningID).Body.String(); !strings.Contains(body, ">2469136</b>") {
		t.Error("the run does not show 2469136")
	}
}

// TestListOfAnEvent: the gates that a promotion passed are words.
func TestListOfAnEvent(t *testing.T) {
	t.Parallel()
	h := fixture(t).handler(t)
	for _, do := range []string{"approve", "promote"} {
		w := ask(t, h, http.MethodPost, "/models/digits/edit", "do="+do+"&version=2&alias=production", "Content-Type", "application/x-www-form-urlencoded")
		if w.Code != http.StatusSeeOther {
			t.Fatalf("%s: %d\n%s", do, w.Code, w.Body)
		}
	}
	if body := get(t, h, "/models/digits").Body.String(); !strings.Contains(body, "<b>metric accuracy, approval</b>") {
		t.Error("the history does not say which gates were passed")
	}
}

// TestEmptyFile: a file without a byte is said to be so, not drawn as nothing.
func TestEmptyFile(t *testing.T) {
	t.Parallel()
	if body := get(t, fixture(t).handler(t), "/runs/rich/files/dir/nothing.txt").Body.String(); !strings.Contains(body, "The file is empty") {
		t.Error("the page does not say that the file is empty")
	}
}
