package executor

import (
	"os"
	"os/exec"
	"strconv"
	"syscall"
)

func group(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}

// interruptGroup ends the processes: Windows cannot interrupt a group that has
// no console of its own.
func interruptGroup(cmd *exec.Cmd) error {
	killGroup(cmd)
	return nil
}

func killGroup(cmd *exec.Cmd) {
	kill := exec.Command("taskkill", "/T", "/F", "/PID", strconv.Itoa(cmd.Process.Pid)) //nolint:noctx // must also work when the context is done
	if kill.Run() != nil {
		cmd.Process.Kill() //nolint:errcheck // gone already is as good
	}
}

func usage(p *os.ProcessState) Result { return Result{CPU: p.UserTime() + p.SystemTime()} }

// DefaultShell is what runs commands of a stage that names no shell.
func DefaultShell() []string { return []string{"cmd", "/C"} }

// direct finds no command that can do without a shell: programs split their
// own command lines.
func direct(Task, string) (program string, words []string) { return "", nil }

func exitCode(p *os.ProcessState) int { return p.ExitCode() }
