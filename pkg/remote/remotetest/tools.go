package remotetest

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/fsx"
)

// Skip ends the test as skipped, or as failed when MLOPS_TEST_MUST_RUN names
// what. It says why on the standard error, so that nobody overlooks it.
func Skip(t testing.TB, what, why string) {
	t.Helper()
	if slices.Contains(strings.Split(os.Getenv("MLOPS_TEST_MUST_RUN"), ","), what) {
		t.Fatalf("%s must run here: %s", what, why)
	}
	fmt.Fprintf(os.Stderr, "SKIPPED: %s: %s: %s\n", t.Name(), what, why)
	t.Skipf("%s: %s", what, why)
}

// Tool returns the path of the program that a package of the module in tools/
// builds to. The first call on a machine builds it, which takes minutes.
func Tool(t testing.TB, pkg string) string {
	t.Helper()
	if testing.Short() {
		t.Skip("real servers are not started with -short")
	}
	dir := toolsDir(t)
	sums, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	version := sha256.Sum256(append(sums, runtime.Version()...))
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	cache = filepath.Join(cache, "mlops-test", hex.EncodeToString(version[:6]))
	if err := os.MkdirAll(cache, 0o755); err != nil {
		t.Fatal(err)
	}
	name := filepath.Base(pkg)
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	program := filepath.Join(cache, name)
	if _, err := os.Stat(program); err == nil {
		return program
	}
	for {
		lock, err := fsx.LockFile(t.Context(), program+".lock", fsx.Exclusive, "building "+name)
		if errs.Is(err, errs.Locked) {
			continue // another test builds it
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(program); errors.Is(err, os.ErrNotExist) {
			build(t, dir, pkg, program)
		}
		if err := lock.Unlock(); err != nil {
			t.Fatal(err)
		}
		return program
	}
}

func build(t testing.TB, dir, pkg, program string) {
	t.Helper()
	t.Logf("building %s, once on this machine", pkg)
	cmd := exec.CommandContext(t.Context(), "go", "build", "-C", dir, "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", program+".new", pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOOS=", "GOARCH=", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", pkg, err, out)
	}
	if err := os.Rename(program+".new", program); err != nil {
		t.Fatal(err)
	}
}

func toolsDir(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		at := filepath.Join(dir, "tools")
		if _, err := os.Stat(filepath.Join(at, "go.mod")); err == nil {
			return at
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("no tools/go.mod above the test's directory")
		}
		dir = filepath.Dir(dir)
	}
}

// Port returns a TCP port of loopback that nobody listens on.
func Port(t testing.TB) int {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port //nolint:forcetypeassert // a TCP listener has no other
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return port
}

// Serve starts a server and waits until it listens on addr. The server ends
// with the test.
func Serve(t testing.TB, addr, program string, args, env []string) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Dir = t.TempDir()
	endWithParent(cmd)
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		cancel()
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		cancel()
		<-ended
		if t.Failed() {
			t.Logf("%s said:\n%s", filepath.Base(program), log.Bytes())
		}
	})
	var dialer net.Dialer
	for range 600 {
		conn, err := dialer.DialContext(ctx, "tcp", addr)
		if err == nil {
			if err := conn.Close(); err != nil {
				t.Fatal(err)
			}
			return
		}
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("%s ended: %v\n%s", program, err, log.Bytes())
		case <-time.After(50 * time.Millisecond):
		}
	}
	t.Fatalf("%s does not listen on %s", program, addr)
}

// Python returns the interpreter of a virtual environment that .ci/run tools
// makes: dvc, mlflow2, mlflow3. MLOPS_TEST_ and the name in capitals is another
// directory for it. Where it is missing, the test is skipped.
func Python(t testing.TB, name string) string {
	t.Helper()
	if testing.Short() {
		t.Skip("programs of Python take seconds to start")
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	dir := cmp.Or(os.Getenv("MLOPS_TEST_"+strings.ToUpper(name)), filepath.Join(cache, "mlops-test", name))
	python := filepath.Join(dir, "bin", "python")
	if _, err := os.Stat(python); err != nil {
		Skip(t, name, python+" is missing: .ci/run tools installs it")
	}
	return python
}
