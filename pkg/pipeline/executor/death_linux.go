package executor

import "syscall"

// dieWithUs has the system kill the command when this process is killed: an
// orphan would go on to write outputs that nobody records.
func dieWithUs(a *syscall.SysProcAttr) { a.Pdeathsig = syscall.SIGKILL }
