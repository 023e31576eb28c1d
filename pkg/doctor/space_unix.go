//go:build !windows

package doctor

import "golang.org/x/sys/unix"

// freeSpace is the number of bytes that a user may still write below dir.
func freeSpace(dir string) (uint64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, err
	}
	return s.Bavail * uint64(s.Bsize), nil
}
