package cmd

import "github.com/spf13/cobra"

func newExportCmd(a *app) *cobra.Command {
	c := a.group("export", "Give runs and models to other tools", newExportMLflowCmd(a))
	c.Example = "  mlops export mlflow http://mlflow.example.com:5000 wine"
	return c
}
