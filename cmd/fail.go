package cmd

import (
	"errors"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/mlops-cli/mlops/pkg/errs"
)

// failure is an error as JSON: the contract of docs/json.md.
type failure struct {
	Error failureBody `json:"error"`
}

type failureBody struct {
	Code    string   `json:"code"`
	Message string   `json:"message"`
	Hints   []string `json:"hints"`
}

// fail tells why the command failed and returns the exit code.
func (a *app) fail(err error) int {
	kind := errs.KindOf(err)
	if kind == errs.Internal && !a.started {
		kind = errs.Usage // what goes wrong before a command begins is the command line
	}
	message, hints := err.Error(), errs.Hints(err)
	switch {
	case kind == errs.Differs:
		// The command has shown the differences: that is its result.
	case a.io.JSON:
		a.failJSON(kind, message, hints)
	default:
		if kind == errs.Canceled {
			message = "interrupted: " + message
		}
		a.io.Error("%s", message)
		for _, h := range hints {
			a.io.Hint("%s", h)
		}
		if inGitHub() && kind != errs.StageFailed { // failed stages are shown by run, with their lines
			a.io.Raw("::error::" + githubText(message))
		}
	}
	return kind.ExitCode()
}

// failJSON writes the error as one line of JSON on stderr.
func (a *app) failJSON(kind errs.Kind, message string, hints []string) {
	if hints == nil {
		hints = []string{}
	}
	a.io.ErrJSON(failure{failureBody{kind.String(), message, hints}})
}

// flagError names the nearest flags to one that does not exist.
func flagError(c *cobra.Command, err error) error {
	// A mistyped command is the better explanation of a flag it does not know.
	if words := c.Flags().Args(); c.HasSubCommands() && len(words) > 0 {
		return knownSubcommand(c, words)
	}
	e := errs.New(errs.Usage, "%w", err)
	if unknown, ok := errors.AsType[*pflag.NotExistError](err); ok {
		var known []string
		c.Flags().VisitAll(func(f *pflag.Flag) {
			if !f.Hidden {
				known = append(known, "--"+f.Name)
			}
		})
		if name := unknown.GetSpecifiedName(); len(name) > 1 {
			e.DidYouMean("--"+name, known)
		}
	}
	return e.Hint("'%s --help' lists the flags", c.CommandPath())
}
