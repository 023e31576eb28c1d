package proc

import (
	"fmt"
	"os/exec"
	"strconv"
)

// EndGroup kills the process leader and its children, as long as the leader
// lives: the number may be somebody else's otherwise. It returns how many
// processes it knows to have killed.
func EndGroup(leader ID, _ string) (killed int, err error) {
	if !leader.Alive() {
		return 0, nil
	}
	kill := exec.Command("taskkill", "/T", "/F", "/PID", strconv.Itoa(leader.PID)) //nolint:noctx,gosec // short, of a number
	if out, err := kill.CombinedOutput(); err != nil && leader.Alive() {
		return 0, fmt.Errorf("end process %d: %w: %s", leader.PID, err, out)
	}
	return 1, nil
}
