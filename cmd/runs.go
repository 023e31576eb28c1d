package cmd

import (
	"github.com/spf13/cobra"
)

func newRunsCmd(a *app) *cobra.Command {
	c := a.group("runs", "List, show, compare and bring back runs",
		newRunsLsCmd(a), newRunsShowCmd(a), newRunsDiffCmd(a), newRunsApplyCmd(a), newRunsBranchCmd(a),
		newRunsTagCmd(a), newRunsNoteCmd(a), newRunsRmCmd(a), newRunsRestoreCmd(a), newRunsExportCmd(a), newRunsImportCmd(a))
	c.SuggestFor = []string{"exp", "experiments"}
	c.Long = "A run is one execution, of a pipeline or of a script, with its params, metrics,\ntags, data and code. It is named by its id, the first digits of its id, or its name."
	c.Example = "  mlops runs ls\n  mlops runs show swift-otter-417"
	return c
}
