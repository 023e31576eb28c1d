package cmd

import (
	"github.com/spf13/cobra"

	"github.com/mlops-cli/mlops/pkg/compare"
)

func newParamsCmd(a *app) *cobra.Command {
	return a.group("params", "Show and compare the params of revisions",
		newParamsShowCmd(a), newParamsDiffCmd(a))
}

func newParamsShowCmd(a *app) *cobra.Command {
	o := &valuesOptions{app: a, what: compare.Params, word: "param"}
	c := &cobra.Command{
		Use:   "show [file]...",
		Short: "Show what is in the params files",
		Long: `Shows the params that stages depend on, all of params.yaml and of top-level
params files, and the values that templates use; or the given files. Of the
workspace, or of branches, tags and commits.`,
		Example: "  mlops params show\n  mlops params show --deps\n  mlops params show --all-branches --json",
		Args:    cobra.ArbitraryArgs,
		RunE:    a.run(o.show),
	}
	o.showFlags(c)
	c.Flags().BoolVar(&o.deps, "deps", false, "only params that stages depend on")
	return c
}

func newParamsDiffCmd(a *app) *cobra.Command {
	o := &valuesOptions{app: a, what: compare.Params, word: "param"}
	c := &cobra.Command{
		Use:   "diff [A [B] | A..B]",
		Short: "Show which params differ between two revisions",
		Long: `Compares the params of two git revisions, or of a revision and the workspace:
HEAD and the workspace when none is given.

With --json the shape is that of 'dvc params diff --json'.`,
		Example: "  mlops params diff\n  mlops params diff HEAD~1\n  mlops params diff v1.0 v1.1 --all --md\n  mlops params diff --targets config.toml",
		Args:    cobra.MaximumNArgs(2),
		RunE:    a.run(o.diff),
	}
	o.diffFlags(c)
	c.Flags().BoolVar(&o.deps, "deps", false, "only params that stages depend on")
	return c
}
