package dbtest

import (
	"os"
	"os/exec"
	"syscall"
)

// nobody is the user of servers that root starts: PostgreSQL refuses to be root.
const nobody = 65534

// giveAway makes a directory the server's.
func giveAway(dir string) error {
	if os.Getuid() != 0 {
		return nil
	}
	return os.Chown(dir, nobody, nobody)
}

// unprivileged lets a program run as nobody when this process is root, and end
// when this process ends.
func unprivileged(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGINT}
	if os.Getuid() == 0 {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: nobody, Gid: nobody}
	}
}
