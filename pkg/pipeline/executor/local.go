package executor

import (
	"context"
	"errors"
	"io"
	"os/exec"
	"sync"
	"time"
)

// Task is the commands of one stage.
type Task struct {
	Commands []string // one after the other, up to the first that fails
	Shell    []string // what a command is handed to, such as /bin/sh -c
	Dir      string
	Env      []string      // as os.Environ
	Timeout  time.Duration // of all commands together, 0 is none
	Output   io.Writer     // stdout and stderr of the commands
	// Started hears of each command's process, which leads a group; may be nil.
	Started func(pid int)
}

// Result is how a task ended.
type Result struct {
	// ExitCode is that of the command that failed: 128 and the signal when one
	// ended it, as shells count; TimeoutCode when it TimedOut; -1 when the
	// command could not start.
	ExitCode   int
	Err        error
	TimedOut   bool
	NotStarted bool          // the system's fault, not the task's
	CPU        time.Duration // user and system time of the processes
	MaxRSS     int64         // bytes, of the largest process; 0 where unknown
}

// TimeoutCode is the exit code of a task that timed out, as timeout(1) has it.
const TimeoutCode = 124

// ErrTimeout is the error of a task that ran longer than its Timeout.
var ErrTimeout = errors.New("timed out")

// Local runs tasks as processes of this machine. Make it with NewLocal.
type Local struct {
	grace time.Duration

	mu      sync.Mutex
	running map[*exec.Cmd]struct{}
	killed  bool
}

// NewLocal returns an executor that lets an interrupted stage work for grace
// before it is killed.
func NewLocal(grace time.Duration) *Local {
	return &Local{grace: grace, running: map[*exec.Cmd]struct{}{}}
}

// Run runs the task until its end. When ctx is done, its processes get an
// interrupt, and are killed when the grace is over.
func (l *Local) Run(ctx context.Context, t Task) Result {
	if t.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, t.Timeout, ErrTimeout)
		defer cancel()
	}
	var sum Result
	for _, command := range t.Commands {
		r := l.command(ctx, t, command)
		sum.CPU += r.CPU
		sum.MaxRSS = max(sum.MaxRSS, r.MaxRSS)
		sum.ExitCode, sum.Err, sum.NotStarted = r.ExitCode, r.Err, r.NotStarted
		if r.Err != nil {
			break
		}
	}
	if cause := context.Cause(ctx); cause != nil && sum.Err != nil {
		sum.Err = cause
		if sum.TimedOut = errors.Is(cause, ErrTimeout); sum.TimedOut {
			sum.ExitCode = TimeoutCode
		}
	}
	return sum
}

func (l *Local) command(ctx context.Context, t Task, command string) Result {
	if err := ctx.Err(); err != nil {
		return Result{ExitCode: -1, Err: err}
	}
	argv := append(append([]string(nil), t.Shell[1:]...), command)
	cmd := exec.CommandContext(ctx, t.Shell[0], argv...)
	cmd.Dir, cmd.Env = t.Dir, t.Env
	cmd.Stdout, cmd.Stderr = t.Output, t.Output
	cmd.WaitDelay = l.grace + time.Second
	group(cmd)
	var kill *time.Timer
	cmd.Cancel = func() error {
		kill = time.AfterFunc(l.grace, func() { killGroup(cmd) })
		return interruptGroup(cmd)
	}
	if err := l.start(cmd); err != nil {
		return Result{ExitCode: -1, Err: err, NotStarted: true}
	}
	if t.Started != nil {
		t.Started(cmd.Process.Pid)
	}
	err := cmd.Wait()
	l.mu.Lock()
	delete(l.running, cmd)
	l.mu.Unlock()
	if kill != nil {
		kill.Stop()
	}
	if errors.Is(err, exec.ErrWaitDelay) && ctx.Err() == nil {
		err = nil // a process that it left behind still holds the output
	}
	if err != nil || ctx.Err() != nil {
		killGroup(cmd) // what the command left behind must not write outputs now
	}
	r := usage(cmd.ProcessState)
	r.ExitCode, r.Err = exitCode(cmd.ProcessState), err
	return r
}

func (l *Local) start(cmd *exec.Cmd) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.killed {
		return context.Canceled
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	l.running[cmd] = struct{}{}
	return nil
}

// Kill ends all processes at once; none start after it.
func (l *Local) Kill() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.killed = true
	for cmd := range l.running {
		killGroup(cmd)
	}
}
