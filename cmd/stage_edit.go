package cmd

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/fsx"
	"github.com/mlops-cli/mlops/pkg/pipeline"
)

type stageEditOptions struct {
	app *app
	pipeline.EditRequest
	fields bool // flags are given
}

func newStageEditCmd(a *app) *cobra.Command {
	o := &stageEditOptions{app: a}
	c := &cobra.Command{
		Use:   "edit STAGE [flags]",
		Short: "Change a stage",
		Long: `Change fields of a stage, or of what a foreach, matrix or map group repeats. A
flag replaces the whole field and '' clears it; what is not named stays, comments
and order too. Without flags the pipeline file opens in $VISUAL or $EDITOR at the
stage, and is written when the pipeline is whole with it.`,
		Example: `  mlops stage edit train                        in $EDITOR
  mlops stage edit train -d train.py -d data -p lr
  mlops stage edit train --desc ''
  mlops stage edit train --cmd 'python train.py --fast'`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeStages(a),
	}
	c.RunE = a.run(func(ctx context.Context, args []string) error {
		o.Stage.Name = args[0]
		o.Clear = clearedFields(c.Flags(), &o.Stage)
		c.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) { o.fields = o.fields || f.Changed })
		return runStageEdit(ctx, o)
	})
	stageFields(c.Flags(), &o.Stage)
	c.Flags().StringVar(&o.Stage.Cmd, "cmd", "", "command")
	return c
}

func runStageEdit(ctx context.Context, o *stageEditOptions) error {
	e, dir, err := o.app.engine(ctx)
	if err != nil {
		return err
	}
	var done pipeline.Changed
	if o.fields {
		o.Dir = dir
		done, err = e.EditStage(ctx, o.EditRequest)
	} else {
		done, err = o.inEditor(ctx, e, dir)
	}
	if err != nil {
		return err
	}
	return o.app.io.Result(done, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "changed stage %s in %s\n", done.Name, done.File)
		return err
	})
}

// inEditor lets the user change a copy of the pipeline file.
func (o *stageEditOptions) inEditor(ctx context.Context, e *pipeline.Engine, dir string) (pipeline.Changed, error) {
	var none pipeline.Changed
	file, text, line, err := e.Declaration(ctx, o.Stage.Name, dir)
	if err != nil {
		return none, err
	}
	tmp, err := os.MkdirTemp(e.Tmp, "edit-")
	if err != nil {
		return none, err
	}
	copied := filepath.Join(tmp, filepath.Base(file))
	if err := fsx.WriteFile(copied, text, 0o600); err != nil {
		return none, err
	}
	if err := o.app.openEditor(ctx, copied, line); err != nil {
		return none, err
	}
	changed, err := os.ReadFile(copied)
	if err != nil {
		return none, err
	}
	if !bytes.Equal(changed, text) {
		if err := e.ReplaceFile(ctx, file, changed); err != nil {
			return none, errs.New(errs.KindOf(err), "%w", err).Hint("your text is kept in %s", copied)
		}
	}
	return pipeline.Changed{Name: o.Stage.Name, File: file}, os.RemoveAll(tmp)
}

// openEditor waits for $VISUAL or $EDITOR, which may have words of its own.
func (a *app) openEditor(ctx context.Context, file string, line int) error {
	command := os.Getenv("VISUAL")
	if command == "" {
		command = os.Getenv("EDITOR")
	}
	words := strings.Fields(command)
	if len(words) == 0 {
		return errs.New(errs.Usage, "neither VISUAL nor EDITOR says which editor to open").
			Hint("set it: export EDITOR=nano").Hint("or name the fields: mlops stage edit --help")
	}
	switch filepath.Base(words[0]) {
	case "vi", "vim", "nvim", "nano", "emacs", "emacsclient", "micro", "kak", "joe":
		words = append(words, fmt.Sprintf("+%d", line))
	}
	c := exec.CommandContext(ctx, words[0], append(words[1:], file)...) //nolint:gosec // the user's own editor
	c.Stdin, c.Stdout, c.Stderr = a.io.In, a.io.Err, a.io.Err
	if err := c.Run(); err != nil {
		return errs.New(errs.Usage, "editor %s: %w", command, err).Hint("nothing was changed")
	}
	return nil
}
