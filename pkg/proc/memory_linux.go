package proc

import (
	"bytes"
	"os"
	"strconv"
	"strings"
)

// Memory is how many bytes of memory the machine, or the container around this
// process, has; 0 when that cannot be known.
func Memory() int64 {
	var total int64
	info, err := os.ReadFile("/proc/meminfo")
	if err == nil {
		for line := range bytes.Lines(info) {
			fields := strings.Fields(string(line))
			if len(fields) > 1 && fields[0] == "MemTotal:" {
				if kib, err := strconv.ParseInt(fields[1], 10, 64); err == nil {
					total = kib << 10
				}
			}
		}
	}
	for _, limit := range []string{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"} {
		text, err := os.ReadFile(limit)
		if err != nil {
			continue
		}
		if n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64); err == nil && n > 0 && (total == 0 || n < total) {
			total = n
		}
	}
	return total
}
