package cmd

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"
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
