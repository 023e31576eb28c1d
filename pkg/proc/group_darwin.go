package proc

import (
	"errors"
	"fmt"
	"syscall"
	"time"
)

// EndGroup kills the process group that leader leads, as long as the leader
// lives: the number may be somebody else's otherwise. It returns how many
// processes it knows to have killed, after the leader is gone.
func EndGroup(leader ID, _ string) (killed int, err error) {
	for range 100 {
		if !leader.Alive() {
			return killed, nil
		}
		if err := syscall.Kill(-leader.PID, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			return killed, fmt.Errorf("end process %d: %w", leader.PID, err)
		}
		killed = 1
		time.Sleep(5 * time.Millisecond)
	}
	return killed, fmt.Errorf("end process %d: it does not go", leader.PID)
}
