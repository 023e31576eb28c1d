package proc

import (
	"os"
	"os/signal"
	"syscall"
)

// Endings are the signals that ask a command to end: Ctrl-C, a stop by another
// program, and a terminal that is closed, unless nohup has that one ignored.
func Endings() []os.Signal {
	all := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		all = append(all, syscall.SIGHUP)
	}
	return all
}
