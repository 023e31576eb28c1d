package proc

import (
	"errors"
	"strconv"

	"golang.org/x/sys/unix"
)

// Start returns when a process started, as text to compare, and whether
// it runs. The text is empty when it cannot be known.
func Start(pid int) (string, bool) {
	if err := unix.Kill(pid, 0); errors.Is(err, unix.ESRCH) {
		return "", false
	}
	info, err := unix.SysctlKinfoProc("kern.proc.pid", pid)
	if err != nil {
		return "", true
	}
	at := info.Proc.P_starttime
	return strconv.FormatInt(at.Sec, 10) + "." + strconv.FormatInt(int64(at.Usec), 10), true
}
