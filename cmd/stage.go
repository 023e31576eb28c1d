package cmd

import "github.com/spf13/cobra"

func newStageCmd(a *app) *cobra.Command {
	return a.group("stage", "Add and list the stages of a pipeline", newStageAddCmd(a), newStageLsCmd(a))
}
