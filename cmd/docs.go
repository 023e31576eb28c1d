package cmd

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/fsx"
)

type docsOptions struct {
	root     *cobra.Command
	markdown string
	man      string
	shells   string
}

// newDocsCmd makes what is written from the commands themselves. It is hidden:
// the release and 'make docs' call it.
func newDocsCmd(a *app) *cobra.Command {
	var o docsOptions
	c := &cobra.Command{
		Use:     "docs",
		Short:   "Write reference, man pages and completions",
		Example: "  mlops docs --markdown docs/reference\n  mlops docs --man man --completions completions",
		Hidden:  true,
		Args:    cobra.NoArgs,
	}
	c.RunE = a.run(func(context.Context, []string) error {
		o.root = c.Root()
		return runDocs(o)
	})
	c.Flags().StringVar(&o.markdown, "markdown", "", "write the reference as Markdown into `DIR`")
	c.Flags().StringVar(&o.man, "man", "", "write man pages into `DIR`")
	c.Flags().StringVar(&o.shells, "completions", "", "write completion scripts into `DIR`")
	c.MarkFlagsOneRequired("markdown", "man", "completions")
	return c
}

func runDocs(o docsOptions) error {
	if o.markdown != "" {
		if err := writePages(o.markdown, reference(o.root)); err != nil {
			return err
		}
	}
	if o.man != "" {
		if err := writePages(o.man, manPages(o.root)); err != nil {
			return err
		}
	}
	if o.shells == "" {
		return nil
	}
	pages := map[string][]byte{}
	for shell, name := range map[string]string{"bash": "mlops.bash", "zsh": "_mlops", "fish": "mlops.fish", "powershell": "mlops.ps1"} {
		var b bytes.Buffer
		if err := writeCompletion(o.root, &b, shell); err != nil {
			return fmt.Errorf("make completion of %s: %w", shell, err)
		}
		pages[name] = b.Bytes()
	}
	return writePages(o.shells, pages)
}

func writePages(dir string, pages map[string][]byte) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return errs.New(errs.Internal, "write docs: %w", err)
	}
	for name, text := range pages {
		if err := fsx.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// documented is c and every command below it that people see.
func documented(c *cobra.Command) []*cobra.Command {
	all := []*cobra.Command{c}
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() {
			all = append(all, documented(sub)...)
		}
	}
	return all
}

// reference makes a page for each command of the root, with its subcommands,
// and README.md that lists them.
func reference(root *cobra.Command) map[string][]byte {
	pages := map[string][]byte{}
	var index strings.Builder
	index.WriteString("# Commands\n\nMade from the commands themselves by `make docs`.\n\n" + root.Long + "\n\n")
	index.WriteString("Every command takes these flags:\n\n```\n" + root.PersistentFlags().FlagUsages() + "```\n")
	for _, group := range root.Groups() {
		fmt.Fprintf(&index, "\n## %s\n\n| command | |\n|---|---|\n", strings.TrimSuffix(group.Title, ":"))
		for _, c := range root.Commands() {
			if c.GroupID != group.ID || !c.IsAvailableCommand() {
				continue
			}
			fmt.Fprintf(&index, "| [%s](%s.md) | %s |\n", c.CommandPath(), c.Name(), c.Short)
			var page strings.Builder
			for _, sub := range documented(c) {
				describe(&page, sub)
			}
			pages[c.Name()+".md"] = []byte(page.String())
		}
	}
	pages["README.md"] = []byte(index.String())
	return pages
}

// acts reports whether a command does something itself, and is not only a noun
// with subcommands, which has no flags of its own.
func acts(c *cobra.Command) bool {
	own := false
	c.Flags().VisitAll(func(f *pflag.Flag) { own = own || f.Name != "help" && c.Root().PersistentFlags().Lookup(f.Name) == nil })
	return !c.HasSubCommands() || own
}

// describe writes a command as Markdown: usage, words, flags, examples.
func describe(b *strings.Builder, c *cobra.Command) {
	level := "#"
	if c.Parent().HasParent() {
		level = "\n##"
	}
	fmt.Fprintf(b, "%s %s\n\n%s.\n", level, c.CommandPath(), c.Short)
	does := acts(c)
	if does {
		fmt.Fprintf(b, "\n```\n%s\n```\n", c.UseLine())
	}
	if c.Long != "" {
		fmt.Fprintf(b, "\n```text\n%s\n```\n", c.Long)
	}
	c.InitDefaultHelpFlag()
	if flags := c.LocalFlags(); flags.HasAvailableFlags() && does {
		fmt.Fprintf(b, "\nFlags:\n\n```\n%s```\n", flags.FlagUsages())
	}
	if c.Example != "" {
		fmt.Fprintf(b, "\nExamples:\n\n```\n%s\n```\n", strings.ReplaceAll(strings.TrimPrefix(c.Example, "  "), "\n  ", "\n"))
	}
}
