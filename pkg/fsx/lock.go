package fsx

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/mlops-cli/mlops/pkg/errs"
)

// LockMode says whether others may hold the lock at the same time.
type LockMode uint8

// Many processes may hold a lock Shared, or one alone Exclusive.
const (
	Shared LockMode = iota
	Exclusive
)

// lockWait is how long LockFile waits for another process.
const lockWait = 10 * time.Second

// errBusy is what the system's try-lock says when another process has it.
var errBusy = errors.New("lock is held by another process")

// Lock is a lock on a file. It ends with the process at the latest.
type Lock struct {
	f    *os.File
	mode LockMode
}

// LockFile locks the file path, which is made when missing. It waits until ctx
// is done or ten seconds have passed; then the error is of kind errs.Locked and
// names who holds the lock and since when. What says what the holder is doing,
// such as "mlops gc".
func LockFile(ctx context.Context, path string, mode LockMode, what string) (*Lock, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, fmt.Errorf("lock: %w", err)
	}
	wait, cancel := context.WithTimeout(ctx, lockWait)
	defer cancel()
	for pause := time.Millisecond; ; pause = min(2*pause, 100*time.Millisecond) {
		err := tryLock(f, mode)
		if err == nil {
			l := &Lock{f: f, mode: mode}
			l.sign(what)
			return l, nil
		}
		if !errors.Is(err, errBusy) {
			return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), f.Close())
		}
		select {
		case <-wait.Done():
			if errors.Is(ctx.Err(), context.Canceled) {
				return nil, errors.Join(fmt.Errorf("lock %s: %w", path, ctx.Err()), f.Close())
			}
			held := holder(path)
			if err := f.Close(); err != nil {
				return nil, err
			}
			return nil, errs.New(errs.Locked, "lock %s: held by %s", filepath.Base(path), held).
				Hint("wait for it to end, or end it, then type the same command again")
		case <-time.After(pause):
		}
	}
}

// sign tells others who we are. It is for their message only, so a failure to
// write it changes nothing. Shared holders sign too: the last one is named.
func (l *Lock) sign(what string) {
	host, err := os.Hostname()
	if err != nil {
		host = "this machine"
	}
	line := fmt.Sprintf("%s (process %d on %s, since %s)", what, os.Getpid(), host, time.Now().Format("15:04:05"))
	if err := os.WriteFile(signature(l.f.Name()), []byte(line), 0o666); err != nil {
		return
	}
}

func signature(path string) string { return path + ".holder" }

func holder(path string) string {
	line, err := os.ReadFile(signature(path))
	if err != nil || len(line) == 0 {
		return "another process"
	}
	return strings.TrimSpace(string(line))
}

// Unlock gives the lock up.
func (l *Lock) Unlock() error {
	return errors.Join(unlock(l.f), l.f.Close())
}
