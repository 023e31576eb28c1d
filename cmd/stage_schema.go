package cmd

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/mlops-cli/mlops/pkg/stagefile"
)

func newStageSchemaCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON schema of mlops.yaml",
		Long: `Print the JSON schema of mlops.yaml, with which editors complete keys and show
what they mean. For those with yaml-language-server the first line of the file says
where it is:

  # yaml-language-server: $schema=mlops.schema.json`,
		Example: "  mlops stage schema > mlops.schema.json",
		Args:    cobra.NoArgs,
		RunE: a.run(func(context.Context, []string) error {
			text, err := stagefile.JSONSchema()
			if err != nil {
				return err
			}
			_, err = a.io.Out.Write(text)
			return err
		}),
	}
}
