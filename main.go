// Mlops versions data and models, runs pipelines, and records and compares
// runs, from git repositories and any bucket.
package main

import (
	"context"
	"os"
	"runtime/debug"

	"github.com/mlops-cli/mlops/cmd"
	"github.com/mlops-cli/mlops/pkg/term"
)

// Most commands are over before a collection would pay; the limit keeps those
// that handle millions of files within about a quarter of a GiB.
const (
	gcPercent   = 400
	memoryLimit = 128 << 20 // bytes
)

func main() {
	debug.SetGCPercent(gcPercent)
	debug.SetMemoryLimit(memoryLimit)
	os.Exit(cmd.Main(context.Background(), os.Args[1:], term.System()))
}
