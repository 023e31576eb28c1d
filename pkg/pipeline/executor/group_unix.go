//go:build unix

package executor

import (
	"os"
	"os/exec"
	"runtime"
	"syscall"
)

// group gives the command a process group of its own.
func group(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	dieWithUs(cmd.SysProcAttr)
}

func interruptGroup(cmd *exec.Cmd) error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGINT) }

// killGroup kills what is left of the group; that nothing is left is no error.
func killGroup(cmd *exec.Cmd) {
	syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) //nolint:errcheck // gone already is as good
}

// usage is what the process and its children used.
func usage(p *os.ProcessState) Result {
	r := Result{CPU: p.UserTime() + p.SystemTime()}
	if u, ok := p.SysUsage().(*syscall.Rusage); ok {
		r.MaxRSS = u.Maxrss
		if runtime.GOOS != "darwin" { // which counts bytes
			r.MaxRSS *= 1024
		}
	}
	return r
}

// DefaultShell is what runs commands of a stage that names no shell.
func DefaultShell() []string { return []string{"/bin/sh", "-c"} }

// exitCode is 128 and the signal for a process that a signal ended.
func exitCode(p *os.ProcessState) int {
	if w, ok := p.Sys().(syscall.WaitStatus); ok && w.Signaled() {
		return 128 + int(w.Signal())
	}
	return p.ExitCode()
}
