package cmd

import "github.com/spf13/cobra"

func newStageCmd(a *app) *cobra.Command {
	return a.group("stage", "Add, change and list the stages of a pipeline",
		newStageAddCmd(a), newStageEditCmd(a), newStageRmCmd(a), newStageLsCmd(a), newStageSchemaCmd(a))
}
