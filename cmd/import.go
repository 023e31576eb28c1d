package cmd

import "github.com/spf13/cobra"

func newImportCmd(a *app) *cobra.Command {
	return a.group("import", "Take a DVC repository over", newImportDVCCmd(a))
}
