package pipeline

import (
	"fmt"
	"slices"
	"time"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/pipeline/executor"
	"github.com/mlops-cli/mlops/pkg/stagefile"
)

// again reports whether a failed attempt, counted from 1, is followed by
// another. What the system is to blame for is tried again whatever the exit
// codes that the stage names; a timeout only when it names that code.
func again(r stagefile.Retries, attempt int, result executor.Result) bool {
	switch {
	case attempt > r.Count || result.Err == nil:
		return false
	case result.NotStarted:
		return true
	case len(r.ExitCodes) > 0:
		return slices.Contains(r.ExitCodes, result.ExitCode)
	}
	return !result.TimedOut
}

// pause is the time before the attempt that follows the given one.
func pause(r stagefile.Retries, attempt int) time.Duration {
	d := r.Backoff
	for range attempt - 1 {
		d *= 2
		if r.MaxBackoff > 0 && d > r.MaxBackoff || d > 24*time.Hour {
			break
		}
	}
	if r.MaxBackoff > 0 {
		d = min(d, r.MaxBackoff)
	}
	return min(d, 24*time.Hour)
}

// failureOf says what was wrong with an attempt, nil when nothing was.
func failureOf(s *stagefile.Stage, r executor.Result) error {
	switch {
	case r.Err == nil:
		return nil
	case r.TimedOut:
		return errs.New(errs.StageFailed, "ran longer than its timeout of %s", s.Timeout)
	case r.NotStarted:
		return errs.New(errs.StageFailed, "its command could not be started: %w", r.Err).
			Hint("this is the fault of the machine, or of 'shell' and 'wdir', not of the command")
	case r.ExitCode > 128:
		return errs.New(errs.StageFailed, "its command ended with exit code %d (signal %d)%s", r.ExitCode, r.ExitCode-128, killedHint(r.ExitCode)).
			Hint("see what it printed: mlops runs show --log")
	default:
		return errs.New(errs.StageFailed, "its command ended with exit code %d", r.ExitCode).
			Hint("see what it printed: mlops runs show --log")
	}
}

func killedHint(code int) string {
	if code == 128+9 {
		return ": killed, perhaps for want of memory"
	}
	return ""
}

// attempts says which attempt of how many it is.
func attempts(r stagefile.Retries, attempt int) string {
	return fmt.Sprintf("attempt %d of %d", attempt, r.Count+1)
}
