package dbtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"time"
)

// postgres is a server of the tests of this process.
type postgres struct {
	url  string
	dir  string
	quit func() error
}

// running is the server, started by the first test that needs it.
type running struct {
	once sync.Once
	s    *postgres
	err  error
}

var shared running

func server() (*postgres, error) {
	shared.once.Do(func() { shared.s, shared.err = start() })
	return shared.s, shared.err
}

func stop() {
	shared.once.Do(func() {})
	if s := shared.s; s != nil {
		if err := errors.Join(s.quit(), os.RemoveAll(s.dir)); err != nil {
			fmt.Fprintln(os.Stderr, "stop postgres:", err)
		}
	}
}

// programs finds the folder of initdb and postgres, the newest where Debian has
// several.
func programs() (string, error) {
	if p, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(p), nil
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(found) == 0 {
		return "", errors.Join(err, errors.New("no PostgreSQL here (apt-get install postgresql)"))
	}
	best, newest := "", -1
	for _, p := range found {
		dir := filepath.Dir(p)
		if v, err := strconv.Atoi(filepath.Base(filepath.Dir(dir))); err == nil && v > newest {
			best, newest = dir, v
		}
	}
	return best, nil
}

// start makes a database directory and a server that ends with this process.
// It keeps nothing: what is flushed does not survive a crash of the machine.
func start() (_ *postgres, err error) {
	bin, err := programs()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "mlops-postgres-")
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}()
	if err := giveAway(dir); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	data := filepath.Join(dir, "data")
	initdb := exec.CommandContext(ctx, filepath.Join(bin, "initdb"), "-D", data, "-U", "mlops", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C")
	initdb.Dir = dir
	unprivileged(initdb)
	if out, err := initdb.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w: %s", err, out)
	}
	port, err := freePort(ctx)
	if err != nil {
		return nil, err
	}
	var log bytes.Buffer
	cmd := exec.Command(filepath.Join(bin, "postgres"), "-D", data, "-c", "listen_addresses=127.0.0.1", "-c", "port="+strconv.Itoa(port),
		"-c", "unix_socket_directories=", "-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off", "-c", "max_connections=200")
	cmd.Dir, cmd.Stderr, cmd.Stdout = dir, &log, &log
	unprivileged(cmd)
	ended, err := spawn(cmd)
	if err != nil {
		return nil, err
	}
	s := &postgres{url: fmt.Sprintf("postgres://mlops@127.0.0.1:%d/postgres?sslmode=disable", port), dir: dir}
	s.quit = func() error {
		err := cmd.Process.Signal(os.Interrupt) // a fast shutdown
		select {
		case <-ended:
			return err
		case <-time.After(10 * time.Second):
			return errors.Join(err, cmd.Process.Kill())
		}
	}
	for {
		err := ping(ctx, s.url)
		if err == nil {
			return s, nil
		}
		select {
		case <-ended:
			return nil, fmt.Errorf("postgres ended: %s", log.String())
		case <-ctx.Done():
			return nil, errors.Join(err, s.quit())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// spawn starts a program from a thread that lives as long as this process:
// where the system can, the program is told when that thread ends.
func spawn(cmd *exec.Cmd) (ended <-chan error, err error) {
	started, done := make(chan error, 1), make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			done <- cmd.Wait()
			close(done)
		}
	}()
	return done, <-started
}

func freePort(ctx context.Context) (int, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	port := l.Addr().(*net.TCPAddr).Port
	return port, l.Close()
}
