//go:build unix

package queue

import (
	"os/exec"
	"syscall"
)

// Detach has a command go on when this process and its terminal are gone.
func Detach(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }
