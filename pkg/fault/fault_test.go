package fault_test

import (
	"errors"
	"testing"

	"github.com/mlops-cli/mlops/pkg/fault"
)

func TestAtCallsTheHookOfItsContext(t *testing.T) {
	t.Parallel()
	if err := fault.At(t.Context(), "x.y"); err != nil {
		t.Fatalf("without a hook a point does nothing, got %v", err)
	}
	stop := errors.New("stop")
	ctx := fault.WithHook(t.Context(), func(point string) error {
		if point == "add.flushed" {
			return stop
		}
		return nil
	})
	if err := fault.At(ctx, "add.renamed"); err != nil {
		t.Fatalf("another point: %v", err)
	}
	if err := fault.At(ctx, "add.flushed"); !errors.Is(err, stop) {
		t.Fatalf("error is %v, want %v", err, stop)
	}
}
