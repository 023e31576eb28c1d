package cmd

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mlops-cli/mlops/pkg/errs"
)

// explainArgs makes errors about the number of arguments name the command and
// say how it is typed, below c and in it.
func explainArgs(c *cobra.Command) {
	for _, sub := range c.Commands() {
		explainArgs(sub)
	}
	check := c.Args
	if check == nil {
		return
	}
	c.Args = func(c *cobra.Command, args []string) error {
		err := check(c, args)
		if _, own := errors.AsType[*errs.Error](err); err == nil || own {
			return err
		}
		e := errs.New(errs.Usage, "%s %s", c.CommandPath(), argsProblem(c, args))
		if len(c.ValidArgs) > 0 && len(args) == 1 {
			e.DidYouMean(args[0], c.ValidArgs)
		}
		return e.Hint("type it as: %s", c.UseLine())
	}
}

// argsProblem says what is wrong with the arguments of a command.
func argsProblem(c *cobra.Command, args []string) string {
	_, takes, _ := strings.Cut(c.Use, " ")
	switch {
	case takes == "":
		return "takes no arguments: " + strings.Join(args, " ")
	case len(args) == 0:
		return "needs " + takes
	}
	return "takes " + takes + ", not " + strings.Join(args, " ")
}
