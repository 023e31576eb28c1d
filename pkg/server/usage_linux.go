package server

import (
	"bytes"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// usage reads what this process uses.
func usage() (resources, bool) {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return resources{}, false
	}
	r := resources{cpu: time.Duration(u.Utime.Nano() + u.Stime.Nano())}
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return resources{}, false
	}
	if fields := bytes.Fields(statm); len(fields) > 1 {
		pages, err := strconv.ParseInt(string(fields[1]), 10, 64)
		if err != nil {
			return resources{}, false
		}
		r.resident = pages * int64(os.Getpagesize())
	}
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return resources{}, false
	}
	r.files = len(files)
	return r, true
}
