package cmd

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mlops-cli/mlops/pkg/track"
)

func newCompletionCmd(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "completion <bash|zsh|fish|powershell>",
		Short: "Write the completion script of a shell",
		Long: `Writes a script that lets the TAB key complete commands, flags, stages, runs and
remotes. Load it in the shell's start-up file:

  bash        source <(mlops completion bash)
  zsh         source <(mlops completion zsh)
  fish        mlops completion fish | source
  powershell  mlops completion powershell | Out-String | Invoke-Expression`,
		Example:   "  mlops completion bash > ~/.local/share/bash-completion/completions/mlops",
		Args:      cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs),
		ValidArgs: []string{"bash", "zsh", "fish", "powershell"},
	}
	c.RunE = a.run(func(_ context.Context, args []string) error {
		var b bytes.Buffer
		if err := writeCompletion(c.Root(), &b, args[0]); err != nil {
			return fmt.Errorf("make completion of %s: %w", args[0], err)
		}
		_, err := a.io.Out.Write(b.Bytes())
		return err
	})
	return c
}

// completedRuns is how many runs, the newest, the TAB key offers.
const completedRuns = 50

// completeRuns offers ids and names of runs to the commands that take them.
func completeRuns(a *app, root *cobra.Command) {
	offer := func(c *cobra.Command, given []string, typed string) ([]string, cobra.ShellCompDirective) {
		service, err := a.tracking(c.Context())
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		runs, err := service.Runs(c.Context(), track.Query{Limit: completedRuns, Bare: true})
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var words []string
		for _, r := range runs {
			for _, word := range []string{r.Name, r.ID[:8]} {
				if strings.HasPrefix(word, typed) && !slices.Contains(given, word) {
					words = append(words, word+"\t"+r.Experiment+", "+string(r.Status))
				}
			}
		}
		return words, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
	}
	for _, path := range [][]string{{"runs", "show"}, {"runs", "rm"}, {"runs", "tag"}, {"runs", "note"}, {"compare"}} {
		if c, _, err := root.Find(path); err == nil && c.ValidArgsFunction == nil {
			c.ValidArgsFunction = offer
		}
	}
	if c, _, err := root.Find([]string{"events"}); err == nil {
		// The flag exists at this point: an error could only say that it does not.
		if err := c.RegisterFlagCompletionFunc("run", offer); err != nil {
			panic(err)
		}
	}
}

// writeCompletion writes the script of a shell; shell is one of ValidArgs.
func writeCompletion(root *cobra.Command, w io.Writer, shell string) error {
	switch shell {
	case "bash":
		return root.GenBashCompletionV2(w, true)
	case "zsh":
		return root.GenZshCompletion(w)
	case "fish":
		return root.GenFishCompletion(w, true)
	default:
		return root.GenPowerShellCompletionWithDesc(w)
	}
}
