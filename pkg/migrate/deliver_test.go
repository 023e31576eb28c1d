package migrate_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/mlops-cli/mlops/pkg/dvc"
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/fsx"
	"github.com/mlops-cli/mlops/pkg/migrate"
	"github.com/mlops-cli/mlops/pkg/progress"
)

// A get that was killed leaves a directory beside what it was to make: the next
// one removes it, but not that of one that is at work.
func TestGetRemovesWhatKilledOnesLeft(t *testing.T) {
	t.Parallel()
	d := newTheirs(t)
	parent := t.TempDir()
	put(t, filepath.Join(parent, ".mlops-get-1", "made"), "half")
	put(t, filepath.Join(parent, ".mlops-get-1.lease"), "")
	busy, err := fsx.MakeTempDir(parent, ".mlops-get-")
	if err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(parent, "data-1", "mine"), "")
	_, err = migrate.Get(t.Context(), migrate.GetRequest{URL: d.root, Path: "x", To: filepath.Join(parent, "x")}, connector(t), progress.Nop{})
	if err == nil {
		t.Error("what is not there was got")
	}
	if err := busy.Remove(); err != nil {
		t.Errorf("the directory of a get that is at work: %v", err)
	}
	left, err := os.ReadDir(parent)
	if err != nil || len(left) != 1 || left[0].Name() != "data-1" {
		t.Errorf("there is %v (%v)", left, err)
	}
}

// What stands there is never overwritten.
func TestGetRefusesToOverwrite(t *testing.T) {
	t.Parallel()
	d := newTheirs(t)
	d.track("x", d.keep(dvc.MD5, "x\n"))
	to := filepath.Join(t.TempDir(), "x")
	put(t, to, "mine\n")
	_, err := migrate.Get(t.Context(), migrate.GetRequest{URL: d.root, Path: "x", To: to}, connector(t), progress.Nop{})
	if !errs.Is(err, errs.Conflict) {
		t.Errorf("the error is %v", err)
	}
	if text, err := os.ReadFile(to); err != nil || string(text) != "mine\n" {
		t.Errorf("it has %q (%v)", text, err)
	}
}
