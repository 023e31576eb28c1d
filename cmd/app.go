package cmd

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"slices"

	"github.com/spf13/cobra"

	"github.com/mlops-cli/mlops/pkg/clock"
	"github.com/mlops-cli/mlops/pkg/db"
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/proc"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/term"
)

// app is what commands share: streams, global flags and the parts, each opened
// when it is first asked for and closed at the end.
type app struct {
	io      *term.IO
	clock   clock.Clock
	dir     string // -C: work as if started there
	noColor bool
	started bool // flags were right and a command began
	closers []func() error

	repository *repo.Repo
	index      *db.DB // of a server's store, where that is no repository
}

// Main runs the command line args and returns the exit code. ctx may carry a
// fault hook.
func Main(ctx context.Context, args []string, io *term.IO) int {
	ctx, stop := signal.NotifyContext(ctx, proc.Endings()...)
	defer stop()
	// After the first signal the usual effect is back: a second one ends at once.
	context.AfterFunc(ctx, stop)

	a := &app{io: io, clock: io.Clock}
	root := newRootCmd(a)
	// Even an error in the flags obeys --json.
	io.JSON = slices.Contains(beforeDashes(args), "--json")
	root.SetArgs(args)
	root.SetIn(io.In)
	root.SetOut(io.Out)
	root.SetErr(io.Err)
	err := root.ExecuteContext(ctx)
	err = errors.Join(err, a.close())
	if err == nil {
		return 0
	}
	return a.fail(err)
}

// beforeDashes is args without what follows "--".
func beforeDashes(args []string) []string {
	if i := slices.Index(args, "--"); i >= 0 {
		return args[:i]
	}
	return args
}

// run wraps what a command does for cobra.
func (a *app) run(fn func(ctx context.Context, args []string) error) func(*cobra.Command, []string) error {
	return func(c *cobra.Command, args []string) error {
		a.started = true
		if a.noColor {
			a.io.NoColor()
		}
		if err := a.enter(); err != nil {
			return err
		}
		return fn(c.Context(), args)
	}
}

// enter goes to the directory of -C, once.
func (a *app) enter() error {
	dir := a.dir
	if a.dir = ""; dir == "" {
		return nil
	}
	if err := os.Chdir(dir); err != nil {
		return errs.New(errs.Usage, "-C: %w", err)
	}
	return nil
}

// group returns a noun that only holds subcommands.
func (a *app) group(use, short string, subs ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{
		Use:   use + " <command>",
		Short: short,
		Args:  knownSubcommand,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(subs...)
	return c
}

// knownSubcommand refuses words that name no subcommand: cobra itself would
// show the help and succeed.
func knownSubcommand(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var names []string
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() {
			names = append(names, sub.Name())
			names = append(names, sub.Aliases...)
		}
	}
	err := errs.New(errs.Usage, "%q is not a command of '%s'", args[0], c.CommandPath())
	for _, sub := range c.Commands() {
		if slices.Contains(sub.SuggestFor, args[0]) { // what another tool calls it
			return err.Hint("it is called %s here: %s --help", sub.Name(), sub.CommandPath())
		}
	}
	return err.DidYouMean(args[0], names).
		Hint("'%s --help' lists the commands", c.CommandPath())
}

// atEnd has fn called when the command is over.
func (a *app) atEnd(fn func() error) { a.closers = append(a.closers, fn) }

// close closes what was opened, the last first.
func (a *app) close() error {
	var all []error
	for _, fn := range slices.Backward(a.closers) {
		all = append(all, fn())
	}
	a.closers = nil
	return errors.Join(all...)
}
