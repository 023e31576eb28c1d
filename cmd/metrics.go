package cmd

import (
	"github.com/spf13/cobra"

	"github.com/mlops-cli/mlops/pkg/compare"
)

func newMetricsCmd(a *app) *cobra.Command {
	return a.group("metrics", "Show and compare the metrics files of revisions",
		newMetricsShowCmd(a), newMetricsDiffCmd(a))
}

func newMetricsShowCmd(a *app) *cobra.Command {
	o := &valuesOptions{app: a, what: compare.Metrics, word: "metric"}
	c := &cobra.Command{
		Use:   "show [file]...",
		Short: "Show what is in the metrics files",
		Long: `Shows the values of all metrics that stages and the top-level metrics of the
pipeline files name, or of the given files: of the workspace, or of branches, tags
and commits. A file that is not in git is read from the store.

With --json the shape is that of 'dvc metrics show --json'.`,
		Example: "  mlops metrics show\n  mlops metrics show --all-tags --md\n  mlops metrics show eval/metrics.json",
		Args:    cobra.ArbitraryArgs,
		RunE:    a.run(o.show),
	}
	o.showFlags(c)
	return c
}

func newMetricsDiffCmd(a *app) *cobra.Command {
	o := &valuesOptions{app: a, what: compare.Metrics, word: "metric", change: true}
	c := &cobra.Command{
		Use:   "diff [A [B] | A..B]",
		Short: "Show which metrics differ between two revisions",
		Long: `Compares the metrics files of two git revisions, or of a revision and the
workspace: HEAD and the workspace when none is given.

With --json the shape is that of 'dvc metrics diff --json'.`,
		Example: "  mlops metrics diff\n  mlops metrics diff main\n  mlops metrics diff v1.0 v1.1 --md --no-path\n  mlops metrics diff main..HEAD --json",
		Args:    cobra.MaximumNArgs(2),
		RunE:    a.run(o.diff),
	}
	o.diffFlags(c)
	return c
}
