package cmd

import (
	"fmt"
	"testing"

	"github.com/mlops-cli/mlops/pkg/pipeline"
)

// Of a large group one stage speaks for those whose reasons are of its kind;
// the few that have others stand for themselves.
func TestStagesOfALargeGroupAreOneEntry(t *testing.T) {
	t.Parallel()
	var stages []staleStage
	add := func(group string, n int, action pipeline.Action, reason func(i int) string) {
		for i := range n {
			stages = append(stages, staleStage{Name: fmt.Sprintf("%s@%d", group, i), Action: action, Reasons: []string{reason(i)}, group: group})
		}
	}
	missing := func(i int) string { return fmt.Sprintf("output o/%d.txt is missing", i) }
	add("big", 50, pipeline.Restore, missing)
	add("big", 2, pipeline.Run, func(int) string { return "command changed" })
	add("small", 3, pipeline.Restore, missing)
	add("", 1, pipeline.Run, missing)
	add("", 1, pipeline.Run, missing)
	var got string
	for _, e := range staleEntries(stages) {
		got += fmt.Sprintf("%s %d %v\n", e.Name, e.count, e.alike)
	}
	const want = "big@0 50 true\nbig@0 2 false\nsmall@0 1 false\nsmall@1 1 false\nsmall@2 1 false\n@0 1 false\n@0 1 false\n"
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}
