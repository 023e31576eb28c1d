//go:build unix && !linux

package executor

import "syscall"

// dieWithUs does nothing where the system has no such service.
func dieWithUs(*syscall.SysProcAttr) {}
