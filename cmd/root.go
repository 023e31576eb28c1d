package cmd

import (
	"github.com/spf13/cobra"

	"github.com/mlops-cli/mlops/pkg/errs"
)

// section is a heading of the root help with its commands.
type section struct {
	id, title string
	commands  []*cobra.Command
}

// sections lists every command. Add yours here, one line each.
func sections(a *app) []section {
	return []section{
		{"start", "Start:", []*cobra.Command{
			newDemoCmd(a),
			newInitCmd(a),
		}},
		{"data", "Data:", []*cobra.Command{
			newAddCmd(a),
			newStatusCmd(a),
			newDiffCmd(a),
			newCheckoutCmd(a),
			newLsCmd(a),
			newRmCmd(a),
			newMvCmd(a),
			newUnlockCmd(a),
		}},
		{"remotes", "Remotes:", []*cobra.Command{
			newRemoteCmd(a),
			newPushCmd(a),
			newFetchCmd(a),
			newPullCmd(a),
			newGetCmd(a),
			newImportCmd(a),
			newUpdateCmd(a),
		}},
		{"pipelines", "Pipelines:", []*cobra.Command{
			newRunCmd(a),
			newQueueCmd(a),
			newDagCmd(a),
			newStageCmd(a),
		}},
		{"runs", "Runs:", []*cobra.Command{
			newRunsCmd(a),
			newCompareCmd(a),
			newMetricsCmd(a),
			newParamsCmd(a),
			newPlotsCmd(a),
			newLogCmd(a),
			newEventsCmd(a),
			newExportCmd(a),
		}},
		{"models", "Models:", []*cobra.Command{
			newModelCmd(a),
			newWhyCmd(a),
		}},
		{"serve", "Serving:", []*cobra.Command{
			newServerCmd(a),
			newUICmd(a),
		}},
		{"upkeep", "Maintenance:", []*cobra.Command{
			newDoctorCmd(a),
			newConfigCmd(a),
			newCompletionCmd(a),
			newDocsCmd(a),
			newFsckCmd(a),
			newGCCmd(a),
			newVersionCmd(a),
		}},
	}
}

// newRootCmd builds the whole tree. It does no I/O.
func newRootCmd(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:   "mlops",
		Short: "Version data and models, run pipelines, compare runs",
		Long: `mlops versions data and models beside your code in git, pushes them to any
bucket, runs pipelines and skips what is up to date, records every run and
compares runs in the terminal, in CI and in a browser.`,
		Example: `  mlops demo                   see the main job in a fresh repository
  mlops init                   begin in a git repository
  mlops add data/train.csv     track a file or directory
  mlops run                    run the stages of mlops.yaml that are out of date
  mlops compare                compare the last runs`,
		Args:          knownSubcommand,
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetFlagErrorFunc(flagError)
	root.CompletionOptions.DisableDefaultCmd = true
	f := root.PersistentFlags()
	f.StringVarP(&a.dir, "directory", "C", "", "work as if started in `DIR`")
	f.BoolVar(&a.io.JSON, "json", false, "write the result as JSON")
	f.BoolVarP(&a.io.Quiet, "quiet", "q", false, "no notes, hints and progress")
	f.BoolVarP(&a.io.Verbose, "verbose", "v", false, "tell more of what is done")
	f.BoolVar(&a.noColor, "no-color", false, "no colour (also by NO_COLOR=1)")
	for _, s := range sections(a) {
		root.AddGroup(&cobra.Group{ID: s.id, Title: s.title})
		for _, c := range s.commands {
			c.GroupID = s.id
			root.AddCommand(c)
		}
	}
	completeRuns(a, root)
	explainArgs(root)
	root.SetHelpCommand(newHelpCmd(root))
	return root
}

// newHelpCmd replaces cobra's: an unknown topic is an error.
func newHelpCmd(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use:     "help [command]",
		Short:   "Help about a command",
		Example: "  mlops help remote add",
		Args:    cobra.ArbitraryArgs,
		GroupID: "start",
		RunE: func(_ *cobra.Command, args []string) error {
			c, rest, err := root.Find(args)
			if err != nil {
				return errs.New(errs.Usage, "%w", err)
			}
			if len(rest) > 0 {
				return knownSubcommand(c, rest)
			}
			return c.Help()
		},
	}
}
