//go:build unix

package executor_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mlops-cli/mlops/pkg/pipeline/executor"
)

func task(t *testing.T, out *bytes.Buffer, commands ...string) executor.Task {
	t.Helper()
	return executor.Task{Commands: commands, Shell: executor.DefaultShell(), Dir: t.TempDir(), Env: os.Environ(), Output: out}
}

func TestCommandsRunUpToTheFirstFailure(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	r := executor.NewLocal(time.Second).Run(t.Context(), task(t, &out, "echo one", "echo two >&2; exit 7", "echo three"))
	if r.ExitCode != 7 || r.Err == nil || out.String() != "one\ntwo\n" {
		t.Fatalf("%+v, output %q", r, out.String())
	}
	out.Reset()
	r = executor.NewLocal(time.Second).Run(t.Context(), task(t, &out, "echo fine"))
	if r.ExitCode != 0 || r.Err != nil || r.MaxRSS <= 0 {
		t.Fatalf("%+v", r)
	}
}

func TestTimeoutEndsTheWholeGroup(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	tk := task(t, &out, "trap '' INT; (trap '' INT; sleep 30; echo late > late) & sleep 30")
	tk.Timeout = 100 * time.Millisecond
	start := time.Now()
	r := executor.NewLocal(100*time.Millisecond).Run(t.Context(), tk)
	if !r.TimedOut || !errors.Is(r.Err, executor.ErrTimeout) {
		t.Fatalf("%+v", r)
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Fatalf("took %v", took)
	}
}

func TestInterruptLetsAStageTidyUp(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	tk := task(t, &out, "trap 'echo tidy; exit 3' INT; touch ready; while :; do sleep 0.05; done")
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		for {
			if _, err := os.Stat(filepath.Join(tk.Dir, "ready")); err == nil {
				cancel()
				return
			}
			time.Sleep(5 * time.Millisecond)
		}
	}()
	r := executor.NewLocal(5*time.Second).Run(ctx, tk)
	if !errors.Is(r.Err, context.Canceled) || !strings.Contains(out.String(), "tidy") {
		t.Fatalf("%+v, output %q", r, out.String())
	}
}

func TestKillEndsEverythingAtOnce(t *testing.T) {
	t.Parallel()
	l := executor.NewLocal(time.Minute)
	var out bytes.Buffer
	time.AfterFunc(200*time.Millisecond, l.Kill)
	start := time.Now()
	r := l.Run(t.Context(), task(t, &out, "trap '' INT; while :; do sleep 0.05; done"))
	if r.Err == nil || time.Since(start) > 10*time.Second {
		t.Fatalf("%+v after %v", r, time.Since(start))
	}
	if r = l.Run(t.Context(), task(t, &out, "echo never")); r.Err == nil || strings.Contains(out.String(), "never") {
		t.Fatalf("a task started after Kill: %+v", r)
	}
}

func TestProcessLeftBehindDoesNotHoldTheStage(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	start := time.Now()
	r := executor.NewLocal(10*time.Millisecond).Run(t.Context(), task(t, &out, "sleep 20 & echo done"))
	if r.Err != nil || time.Since(start) > 10*time.Second {
		t.Fatalf("%+v after %v", r, time.Since(start))
	}
}

// A shell has its background commands ignore interrupts: when the shell has
// ended, nobody waits for them.
func TestTimeoutDoesNotWaitForWhatTheCommandLeft(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	tk := task(t, &out, "echo begin; sleep 30 & sleep 30")
	tk.Timeout = 100 * time.Millisecond
	start := time.Now()
	r := executor.NewLocal(20*time.Second).Run(t.Context(), tk)
	if !r.TimedOut || out.String() != "begin\n" || time.Since(start) > 10*time.Second {
		t.Fatalf("%+v after %v, output %q", r, time.Since(start), out.String())
	}
}
