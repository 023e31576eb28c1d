package main_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/mlops-cli/mlops/pkg/fault"
)

// faultEnv tells a re-executed test binary which fault to make:
// "kill POINT NTH" or "ERRNO POINT NTH".
const faultEnv = "MLOPS_TEST_FAULT"

// commands are the commands that scripts have beside those of testscript.
func commands() map[string]func(*testscript.TestScript, bool, []string) {
	return map[string]func(*testscript.TestScript, bool, []string){
		"exitcode": cmdExitCode,
		"killat":   cmdKillAt,
		"failat":   cmdFailAt,
		"corrupt":  cmdCorrupt,
		"truncate": cmdTruncate,
		"jsonpath": cmdJSONPath,
		"git":      cmdGit,
		"s3":       cmdS3,
	}
}

// cmdExitCode: exitcode N cmd… runs cmd, which must end with code N.
func cmdExitCode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exitcode N cmd…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	if got := exitCode(ts, ts.Exec(args[1], args[2:]...)); got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

func exitCode(ts *testscript.TestScript, err error) int {
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode()
	}
	ts.Check(err)
	return 0
}

// cmdKillAt: killat POINT[#N] cmd… runs cmd, which must be killed when it
// passes POINT for the Nth time (the first when there is no #N).
func cmdKillAt(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: killat POINT[#N] cmd…")
	}
	err := execWithFault(ts, "kill", args[0], args[1:])
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok || (runtime.GOOS != "windows" && exit.String() != "signal: killed") {
		ts.Fatalf("%v was not killed at %s: %v", args[1:], args[0], err)
	}
}

// cmdFailAt: failat POINT[#N] ERRNO cmd… runs cmd, in which POINT fails with
// ERRNO; the command must then fail, too.
func cmdFailAt(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: failat POINT[#N] ERRNO cmd…")
	}
	if _, ok := errno(args[1]); !ok {
		ts.Fatalf("errno %s is not known here", args[1])
	}
	if exitCode(ts, execWithFault(ts, args[1], args[0], args[2:])) == 0 {
		ts.Fatalf("%v succeeded, although %s failed with %s", args[2:], args[0], args[1])
	}
}

func execWithFault(ts *testscript.TestScript, what, point string, args []string) error {
	point, nth, ok := strings.Cut(point, "#")
	if !ok {
		nth = "1"
	}
	ts.Setenv(faultEnv, what+" "+point+" "+nth)
	defer ts.Setenv(faultEnv, "")
	return ts.Exec(args[0], args[1:]...)
}

// withFault adds the fault that the environment asks for, and keeps it from
// the processes that this one starts.
func withFault(ctx context.Context) context.Context {
	asked := strings.Fields(os.Getenv(faultEnv))
	if err := os.Unsetenv(faultEnv); err != nil || len(asked) != 3 {
		return ctx
	}
	nth, err := strconv.ParseInt(asked[2], 10, 64)
	if err != nil {
		return ctx
	}
	var passed atomic.Int64
	return fault.WithHook(ctx, func(point string) error {
		if point != asked[1] || passed.Add(1) != nth {
			return nil
		}
		if e, ok := errno(asked[0]); ok {
			return e
		}
		self, err := os.FindProcess(os.Getpid())
		if err == nil {
			err = self.Kill()
		}
		if err != nil {
			return err
		}
		select {} // until the signal arrives
	})
}

func errno(name string) (syscall.Errno, bool) {
	e, ok := map[string]syscall.Errno{
		"ENOSPC": syscall.ENOSPC, "EIO": syscall.EIO, "EACCES": syscall.EACCES,
		"EROFS": syscall.EROFS, "EDQUOT": syscall.EDQUOT, "EMFILE": syscall.EMFILE,
	}[name]
	return e, ok
}

// cmdCorrupt: corrupt FILE… OFFSET flips a bit at OFFSET, from the end when
// negative, of every file; FILE may be a glob.
func cmdCorrupt(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: corrupt FILE… OFFSET")
	}
	offset, err := strconv.Atoi(args[len(args)-1])
	ts.Check(err)
	change(ts, args[:len(args)-1], func(b []byte) []byte {
		at := offset
		if at < 0 {
			at += len(b)
		}
		if at < 0 || at >= len(b) {
			ts.Fatalf("offset %d is outside of %d bytes", offset, len(b))
		}
		b[at] ^= 1
		return b
	})
}

// cmdTruncate: truncate FILE… SIZE cuts every file to SIZE bytes, or by that
// many when negative; FILE may be a glob.
func cmdTruncate(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: truncate FILE… SIZE")
	}
	size, err := strconv.Atoi(args[len(args)-1])
	ts.Check(err)
	change(ts, args[:len(args)-1], func(b []byte) []byte {
		to := size
		if to < 0 {
			to += len(b)
		}
		if to < 0 || to > len(b) {
			ts.Fatalf("cannot cut %d bytes to %d", len(b), size)
		}
		return b[:to]
	})
}

// change rewrites files in place, also read-only ones, as a broken disk would.
func change(ts *testscript.TestScript, globs []string, edit func([]byte) []byte) {
	for _, glob := range globs {
		files, err := filepath.Glob(ts.MkAbs(glob))
		ts.Check(err)
		if len(files) == 0 {
			ts.Fatalf("no file is named %s", glob)
		}
		for _, file := range files {
			info, err := os.Stat(file)
			ts.Check(err)
			text, err := os.ReadFile(file)
			ts.Check(err)
			ts.Check(os.Chmod(file, 0o644))
			ts.Check(os.WriteFile(file, edit(text), 0o644))
			ts.Check(os.Chmod(file, info.Mode().Perm()))
			ts.Check(os.Chtimes(file, info.ModTime(), info.ModTime()))
		}
	}
}

// cmdJSONPath: jsonpath [-lines] FILE PATH [WANT] checks a value of JSON.
//
// FILE may be stdout or stderr. PATH is keys and indexes parted by dots (\. for
// a dot in a key), -1 the last item, # the number of items or keys. Without
// WANT the value must be there. With -lines the file is JSON lines, an array of
// its documents. WANT is a bare string or compact JSON.
func cmdJSONPath(ts *testscript.TestScript, neg bool, args []string) {
	lines := len(args) > 0 && args[0] == "-lines"
	if lines {
		args = args[1:]
	}
	if len(args) != 2 && len(args) != 3 {
		ts.Fatalf("usage: jsonpath [-lines] FILE PATH [WANT]")
	}
	var docs []any
	dec := json.NewDecoder(strings.NewReader(ts.ReadFile(args[0])))
	dec.UseNumber()
	for {
		var v any
		err := dec.Decode(&v)
		if errors.Is(err, io.EOF) {
			break
		}
		ts.Check(err)
		docs = append(docs, v)
	}
	var root any = docs
	if !lines {
		if len(docs) != 1 {
			ts.Fatalf("%s holds %d documents, not one", args[0], len(docs))
		}
		root = docs[0]
	}
	got, found := lookUp(root, args[1])
	ok := found && (len(args) == 2 || got == args[2])
	switch {
	case !found && !neg:
		ts.Fatalf("%s has no %s", args[0], args[1])
	case ok == neg:
		ts.Fatalf("%s of %s is %s", args[1], args[0], got)
	}
}

// lookUp returns the value at path: strings bare, all else as compact JSON.
func lookUp(v any, path string) (string, bool) {
	const dot = "\x00"
	for key := range strings.SplitSeq(strings.ReplaceAll(path, `\.`, dot), ".") {
		key = strings.ReplaceAll(key, dot, ".")
		switch at := v.(type) {
		case map[string]any:
			if key == "#" {
				return strconv.Itoa(len(at)), true
			}
			var ok bool
			if v, ok = at[key]; !ok {
				return "", false
			}
		case []any:
			if key == "#" {
				return strconv.Itoa(len(at)), true
			}
			i, err := strconv.Atoi(key)
			if i < 0 {
				i += len(at)
			}
			if err != nil || i < 0 || i >= len(at) {
				return "", false
			}
			v = at[i]
		default:
			return "", false
		}
	}
	if s, ok := v.(string); ok {
		return s, true
	}
	b, err := json.Marshal(v)
	return string(b), err == nil
}

// cmdGit: git args… runs git, which must succeed (or, with !, fail).
func cmdGit(ts *testscript.TestScript, neg bool, args []string) {
	err := ts.Exec("git", slices.Clone(args)...)
	if (err != nil) != neg {
		ts.Fatalf("git %v: %v", args, err)
	}
}
