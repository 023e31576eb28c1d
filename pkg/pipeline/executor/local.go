package executor

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"slices"
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
	var p *process
	err := errNeedsShell
	if program, words := direct(t, command); words != nil {
		p = l.process(ctx, t, program, words)
		p.cmd.Env = append(slices.Clip(t.Env), "PWD="+t.Dir)
		err = l.start(p, t.Output)
	}
	if err != nil && ctx.Err() == nil { // the shell does it, or says what is wrong
		p = l.process(ctx, t, t.Shell[0], append(slices.Clone(t.Shell), command))
		err = l.start(p, t.Output)
	}
	if err != nil {
		return Result{ExitCode: -1, Err: err, NotStarted: true}
	}
	return l.wait(ctx, t, p)
}

// errNeedsShell is why a command is not started without one.
var errNeedsShell = errors.New("the command needs a shell")

// process is a command of a task.
type process struct {
	cmd    *exec.Cmd
	kill   *time.Timer   // set when it was interrupted
	output *os.File      // where we read what it prints
	copied chan struct{} // closed when all of that was written on
}

func (l *Local) process(ctx context.Context, t Task, program string, words []string) *process {
	p := &process{cmd: exec.CommandContext(ctx, program, words[1:]...)}
	p.cmd.Args[0] = words[0]
	p.cmd.Dir, p.cmd.Env = t.Dir, t.Env
	p.cmd.WaitDelay = l.grace + time.Second
	group(p.cmd)
	p.cmd.Cancel = func() error {
		p.kill = time.AfterFunc(l.grace, func() { killGroup(p.cmd) })
		return interruptGroup(p.cmd)
	}
	return p
}

// wait waits for a process that was started.
func (l *Local) wait(ctx context.Context, t Task, p *process) Result {
	if t.Started != nil {
		t.Started(p.cmd.Process.Pid)
	}
	err := p.cmd.Wait()
	// A process that it left behind may still hold the output: it has time to end
	// unless the command failed, for then it must not write outputs now.
	late := time.NewTimer(l.grace + time.Second)
	defer late.Stop()
	failed := err != nil || ctx.Err() != nil
	if !failed {
		select {
		case <-p.copied:
		case <-late.C:
		case <-ctx.Done():
			failed = true
		}
	}
	l.mu.Lock()
	delete(l.running, p.cmd)
	l.mu.Unlock()
	if p.kill != nil {
		p.kill.Stop()
	}
	if failed {
		killGroup(p.cmd)
		select {
		case <-p.copied:
		case <-late.C:
		}
	}
	p.output.Close() //nolint:errcheck // only read from
	<-p.copied
	r := usage(p.cmd.ProcessState)
	r.ExitCode, r.Err = exitCode(p.cmd.ProcessState), err
	return r
}

// start starts a process, and writes on to out what it prints. The pipe is ours,
// and not that of package os/exec, which does not say that the command has ended
// while others hold it.
func (l *Local) start(p *process, out io.Writer) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.killed {
		return context.Canceled
	}
	from, to, err := os.Pipe()
	if err != nil {
		return err
	}
	p.cmd.Stdout, p.cmd.Stderr = to, to
	if err := errors.Join(p.cmd.Start(), to.Close()); err != nil {
		return errors.Join(err, from.Close())
	}
	l.running[p.cmd] = struct{}{}
	p.output, p.copied = from, make(chan struct{})
	go func() {
		defer close(p.copied)
		if out == nil {
			out = io.Discard
		}
		io.Copy(out, from) //nolint:errcheck // as long as somebody writes and somebody hears it
	}()
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
