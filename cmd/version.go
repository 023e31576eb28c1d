package cmd

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/mlops-cli/mlops/pkg/version"
)

func newVersionCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Show the version of mlops",
		Example: "  mlops version\n  mlops version --json",
		Args:    cobra.NoArgs,
		RunE: a.run(func(context.Context, []string) error {
			v := version.Get()
			return a.io.Result(v, func(w io.Writer) error { return printVersion(w, v) })
		}),
	}
}

// printVersion writes one line: mlops v1.2.3 (0123abcd, go1.26.8, linux/amd64).
func printVersion(w io.Writer, v version.Info) error {
	commit := v.Commit
	if len(commit) > 12 {
		commit = commit[:12]
	}
	if commit != "" {
		if v.Dirty {
			commit += " with changes"
		}
		commit += ", "
	}
	_, err := fmt.Fprintf(w, "mlops %s (%s%s, %s/%s)\n", v.Version, commit, v.Go, v.OS, v.Arch)
	return err
}
