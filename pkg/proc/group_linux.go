package proc

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// EndGroup kills what is left of the process group that leader led, also when
// the leader itself is gone. Only processes that have mark, NAME=VALUE, in
// their environment are touched: the number may be somebody else's by now. It
// returns how many it killed, after they are gone.
func EndGroup(leader ID, mark string) (killed int, err error) {
	for range 100 {
		members, err := group(leader.PID, mark)
		if err != nil || len(members) == 0 {
			return killed, err
		}
		for _, pid := range members {
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
				return killed, fmt.Errorf("end process %d: %w", pid, err)
			}
		}
		killed = max(killed, len(members))
		time.Sleep(5 * time.Millisecond)
	}
	return killed, fmt.Errorf("end the processes of group %d: they do not go", leader.PID)
}

// group lists the members of a process group that have mark in their
// environment and still run.
func group(number int, mark string) ([]int, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	var members []int
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		stat, err := os.ReadFile("/proc/" + e.Name() + "/stat")
		if err != nil {
			continue // gone
		}
		// state, parent and group follow the name in brackets
		fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
		if len(fields) < 3 || fields[2] != strconv.Itoa(number) || fields[0] == "Z" || fields[0] == "X" {
			continue
		}
		env, err := os.ReadFile("/proc/" + e.Name() + "/environ")
		if err != nil {
			continue // gone, or another user's
		}
		for pair := range bytes.SplitSeq(env, []byte{0}) {
			if string(pair) == mark {
				members = append(members, pid)
				break
			}
		}
	}
	return members, nil
}
