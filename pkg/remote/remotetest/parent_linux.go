package remotetest

import (
	"os/exec"
	"syscall"
)

// endWithParent makes the server die when the test does, however it dies.
func endWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
