package main_test

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/mlops-cli/mlops/pkg/remote/remotetest"
)

// cmdS3: s3 starts an S3 server that lives as long as the script, and sets
// $S3_URL to an empty bucket and the variables with credentials for it.
func cmdS3(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: s3")
	}
	ctx, cancel := context.WithCancel(context.Background())
	ts.Defer(cancel)
	url, env := remotetest.S3(scriptTB{ts: ts, ctx: ctx})
	ts.Setenv("S3_URL", url)
	for _, e := range env {
		name, value, _ := strings.Cut(e, "=")
		ts.Setenv(name, value)
	}
}

// scriptTB lets what wants a test work for a script.
type scriptTB struct {
	testing.TB // nil: only the methods below are used
	ts         *testscript.TestScript
	ctx        context.Context //nolint:containedctx // a test has one, too
}

func (s scriptTB) Helper()                      {}
func (s scriptTB) Context() context.Context     { return s.ctx }
func (s scriptTB) Cleanup(fn func())            { s.ts.Defer(fn) }
func (s scriptTB) Failed() bool                 { return false }
func (s scriptTB) Name() string                 { return s.ts.Name() }
func (s scriptTB) Logf(f string, args ...any)   { s.ts.Logf(f, args...) }
func (s scriptTB) Fatalf(f string, args ...any) { s.ts.Fatalf(f, args...) }
func (s scriptTB) Fatal(args ...any)            { s.ts.Fatalf("%v", args) }
func (s scriptTB) Skipf(f string, args ...any)  { s.ts.Fatalf(f, args...) }
func (s scriptTB) Skip(args ...any)             { s.ts.Fatalf("%v", args) }

func (s scriptTB) TempDir() string {
	dir, err := os.MkdirTemp(s.ts.Getenv("WORK"), "tmp-")
	s.ts.Check(err)
	return dir
}
