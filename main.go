// Mlops versions data and models, runs pipelines, and records and compares
// runs, from git repositories and any bucket.
package main

import (
	"context"
	"os"

	"github.com/mlops-cli/mlops/cmd"
	"github.com/mlops-cli/mlops/pkg/term"
)

func main() {
	os.Exit(cmd.Main(context.Background(), os.Args[1:], term.System()))
}
