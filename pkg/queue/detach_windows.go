package queue

import (
	"os/exec"
	"syscall"

	"golang.org/x/sys/windows"
)

// Detach has a command go on when this process and its terminal are gone.
func Detach(c *exec.Cmd) {
	c.SysProcAttr = &syscall.SysProcAttr{HideWindow: true, CreationFlags: windows.CREATE_NEW_PROCESS_GROUP | windows.DETACHED_PROCESS}
}
