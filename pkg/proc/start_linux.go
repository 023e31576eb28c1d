package proc

import (
	"errors"
	"io/fs"
	"os"
	"strconv"
	"strings"
)

// Start returns when a process started, as text to compare, and whether
// it runs. The text is empty when it cannot be known.
func Start(pid int) (string, bool) {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return "", !errors.Is(err, fs.ErrNotExist)
	}
	// The name in brackets may hold spaces; state and start time are fields 3 and 22.
	_, rest, ok := strings.Cut(string(stat[strings.LastIndexByte(string(stat), ')')+1:]), " ")
	fields := strings.Fields(rest)
	if !ok || len(fields) < 20 {
		return "", true
	}
	if fields[0] == "Z" || fields[0] == "X" {
		return "", false
	}
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return fields[19], true
	}
	return fields[19] + "@" + strings.TrimSpace(string(boot)), true
}
