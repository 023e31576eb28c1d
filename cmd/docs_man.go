package cmd

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/version"
)

// manPages makes one page a command, dated by the commit so that the same
// source makes the same pages.
func manPages(root *cobra.Command) map[string][]byte {
	date, err := time.Parse(time.RFC3339, version.Get().Time)
	if err != nil {
		date = time.Unix(0, 0).UTC()
	}
	pages := map[string][]byte{}
	for _, c := range documented(root) {
		pages[manName(c)+".1"] = []byte(manPage(c, date))
	}
	return pages
}

// manName is the name of a command's page: mlops-remote-add.
func manName(c *cobra.Command) string { return strings.ReplaceAll(c.CommandPath(), " ", "-") }

// manPage writes a command in the man macros.
func manPage(c *cobra.Command, date time.Time) string {
	var b strings.Builder
	fmt.Fprintf(&b, ".TH %q 1 %q mlops \"mlops manual\"\n", strings.ToUpper(manName(c)), date.Format("2006-01-02"))
	fmt.Fprintf(&b, ".SH NAME\n%s \\- %s\n", roff(manName(c)), roff(c.Short))
	fmt.Fprintf(&b, ".SH SYNOPSIS\n.B %s\n", roff(c.UseLine()))
	if c.Long != "" {
		verbatim(&b, "DESCRIPTION", c.Long)
	}
	if c.HasAvailableSubCommands() {
		b.WriteString(".SH COMMANDS\n")
		for _, sub := range c.Commands() {
			if sub.IsAvailableCommand() {
				fmt.Fprintf(&b, ".TP\n.BR %s (1)\n%s\n", roff(manName(sub)), roff(sub.Short))
			}
		}
	}
	if flags := c.LocalFlags(); flags.HasAvailableFlags() {
		verbatim(&b, "OPTIONS", flags.FlagUsages())
	}
	if c.Example != "" {
		verbatim(&b, "EXAMPLES", c.Example)
	}
	if !c.HasParent() {
		b.WriteString(".SH EXIT STATUS\n.TP\n.B 0\ndone, or nothing to do\n")
		for _, k := range errs.Kinds() {
			fmt.Fprintf(&b, ".TP\n.B %d\n%s\n", k.ExitCode(), roff(k.Meaning()))
		}
		return b.String()
	}
	fmt.Fprintf(&b, ".SH SEE ALSO\n.BR %s (1)\n", roff(manName(c.Parent())))
	return b.String()
}

// verbatim writes a section whose lines stay as they are.
func verbatim(b *strings.Builder, title, text string) {
	fmt.Fprintf(b, ".SH %s\n.nf\n", title)
	for line := range strings.Lines(text) {
		line = roff(strings.TrimRight(line, "\n"))
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			line = `\&` + line
		}
		b.WriteString(line + "\n")
	}
	b.WriteString(".fi\n")
}

// roff keeps characters from being read as commands.
func roff(s string) string {
	return strings.NewReplacer(`\`, `\e`, `-`, `\-`).Replace(s)
}
