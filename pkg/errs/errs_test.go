package errs_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"syscall"
	"testing"

	"github.com/mlops-cli/mlops/pkg/errs"
)

func TestKindOfLooksThroughWrapping(t *testing.T) {
	t.Parallel()
	base := errs.New(errs.NotFound, "run %q is not known", "x")
	for _, c := range []struct {
		name string
		err  error
		want errs.Kind
	}{
		{"plain", errors.New("boom"), errs.Internal},
		{"own", base, errs.NotFound},
		{"wrapped", fmt.Errorf("show: %w", base), errs.NotFound},
		{"an internal wrapper does not hide the cause", errs.New(errs.Internal, "show: %w", base), errs.NotFound},
		{"an outer kind wins", errs.New(errs.Remote, "pull: %w", base), errs.Remote},
		{"interrupted", fmt.Errorf("walk: %w", context.Canceled), errs.Canceled},
		{"joined", errors.Join(errors.New("a"), base), errs.NotFound},
	} {
		if got := errs.KindOf(c.err); got != c.want {
			t.Errorf("%s: kind %v, want %v", c.name, got, c.want)
		}
	}
}

func TestHintsAreGatheredOutermostFirst(t *testing.T) {
	t.Parallel()
	inner := errs.New(errs.Internal, "write: %w", syscall.ENOSPC).Hint("inner")
	outer := errs.New(errs.Internal, "add data: %w", fmt.Errorf("pack: %w", inner)).Hint("outer %d", 1)
	got := errs.Hints(outer)
	if len(got) != 3 || got[0] != "outer 1" || got[1] != "inner" {
		t.Fatalf("hints are %q, want the outer, the inner and one about the disk", got)
	}
}

func TestExitCodesAreUniqueAndNeverTwo(t *testing.T) {
	t.Parallel()
	var codes []int
	for _, k := range errs.Kinds() {
		c := k.ExitCode()
		// 0 is success and 2 is a crash of the Go runtime.
		if c <= 0 || c == 2 || slices.Contains(codes, c) {
			t.Errorf("%v: exit code %d is taken", k, c)
		}
		codes = append(codes, c)
	}
}

func TestNearest(t *testing.T) {
	t.Parallel()
	known := []string{"prepare", "train", "evaluate", "status", "Push"}
	for word, want := range map[string]string{
		"trian": "train", "stauts": "status", "eval": "evaluate", "push": "Push", "zzz": "", "prepar": "prepare",
	} {
		got := ""
		if near := errs.Nearest(word, known); len(near) > 0 {
			got = near[0]
		}
		if got != want {
			t.Errorf("nearest to %q is %q, want %q", word, got, want)
		}
	}
}
