package proc_test

import (
	"os/exec"
	"testing"

	"github.com/mlops-cli/mlops/pkg/proc"
)

func TestProcessIsAliveUntilItEnds(t *testing.T) {
	t.Parallel()
	self := proc.Self()
	if !self.Alive() || self.Started == "" {
		t.Errorf("this process %+v counts as dead", self)
	}
	self.Started = "another time"
	if self.Alive() {
		t.Error("a number used again counts as the process that had it before")
	}
	child := exec.CommandContext(t.Context(), "go", "version")
	if err := child.Run(); err != nil {
		t.Fatal(err)
	}
	if proc.Of(child.Process.Pid).Alive() {
		t.Error("a process that ended counts as alive")
	}
}
