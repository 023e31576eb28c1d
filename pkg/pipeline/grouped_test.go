package pipeline_test

import (
	"strings"
	"testing"

	"github.com/mlops-cli/mlops/pkg/pipeline"
)

// TestGroupsNeverMix: what stages print side by side is shown stage by stage.
func TestGroupsNeverMix(t *testing.T) {
	t.Parallel()
	b := newBed(t, map[string]string{"mlops.yaml": `
stages:
  loud:
    foreach: [a, b, c, d]
    do:
      cmd: for i in 1 2 3 4 5; do echo ${item}$i; sleep 0.01; done; printf ${item}end
  quiet:
    cmd: "true"
`})
	var out lockedBuffer
	_, result, err := b.run(pipeline.RunRequest{Jobs: 4, Output: &out, Group: func(s string) (string, string) { return "<" + s, s + ">" }})
	if err != nil || result.Ran != 5 {
		t.Fatal(result, err)
	}
	text := out.String()
	for _, item := range []string{"a", "b", "c", "d"} {
		want := "<loud@" + item + "\n"
		for _, i := range []string{"1", "2", "3", "4", "5"} {
			want += item + i + "\n"
		}
		if want += item + "end\nloud@" + item + ">\n"; !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, "quiet") {
		t.Errorf("a group of a stage that printed nothing:\n%s", text)
	}
}
