package cmd

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/repo"
)

func newConfigCmd(a *app) *cobra.Command {
	c := a.group("config", "Get, set and list settings",
		newConfigListCmd(a), newConfigGetCmd(a), newConfigSetCmd(a), newConfigUnsetCmd(a))
	c.Long = `Settings come from, the strongest first: a flag of the command, an environment
variable (MLOPS_CORE_REMOTE for core.remote), .mlops/config.local.yaml (this
machine only), .mlops/config.yaml (in git, for everybody), your own file for all
repositories, and the default.`
	c.Example = "  mlops config list --show-origin\n  mlops config set run.jobs 4 --local"
	return c
}

// configPlace says which file is changed.
type configPlace struct{ local, user bool }

func (p *configPlace) addFlags(c *cobra.Command) {
	c.Flags().BoolVar(&p.local, "local", false, "in config.local.yaml: this machine only, not in git")
	c.Flags().BoolVar(&p.user, "user", false, "in your own file, for all repositories")
	c.MarkFlagsMutuallyExclusive("local", "user")
}

// file is the path of the file to change.
func (p *configPlace) file(ctx context.Context) (file string, err error) {
	if p.user {
		if file, err = userFile(); err != nil {
			return "", err
		}
		return file, os.MkdirAll(filepath.Dir(file), 0o755)
	}
	// Not a.repo: a wrong setting must not keep from setting it right.
	r, err := repo.Find(ctx, ".")
	if err != nil {
		return "", err
	}
	if p.local {
		return filepath.Join(r.MetaDir(), repo.LocalFile), nil
	}
	return filepath.Join(r.MetaDir(), repo.ConfigFile), nil
}

// splitKey parts core.remote and remotes.any.name at the first dot.
func splitKey(key string) []string { return strings.SplitN(key, ".", 2) }

func newConfigSetCmd(a *app) *cobra.Command {
	var place configPlace
	c := &cobra.Command{
		Use:   "set <key> <value>",
		Short: "Set a setting",
		Example: `  mlops config set core.remote backup
  mlops config set cache.link hardlink,copy --local
  mlops config set user.name Ada --user`,
		Args:              cobra.ExactArgs(2),
		ValidArgsFunction: completeSettings,
		RunE: a.run(func(ctx context.Context, args []string) error {
			known, err := needSetting(args[0])
			if err != nil {
				return err
			}
			value, err := known.parse(args[1])
			if err != nil {
				return errs.New(errs.Usage, "set %s: %w", args[0], err)
			}
			file, err := place.file(ctx)
			if err != nil {
				return err
			}
			return repo.EditConfig(ctx, file, splitKey(args[0]), value)
		}),
	}
	place.addFlags(c)
	return c
}

func newConfigUnsetCmd(a *app) *cobra.Command {
	var place configPlace
	c := &cobra.Command{
		Use:               "unset <key>",
		Short:             "Remove a setting, so that the default holds",
		Example:           "  mlops config unset run.jobs --local",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeSettings,
		RunE: a.run(func(ctx context.Context, args []string) error {
			if _, err := needSetting(args[0]); err != nil {
				return err
			}
			file, err := place.file(ctx)
			if err != nil {
				return err
			}
			l, err := readLayer("", file)
			if err != nil {
				return err
			}
			if _, ok := l.values[args[0]]; !ok {
				return errs.New(errs.NotFound, "%s is not set in %s", args[0], file).
					Hint("'mlops config list --show-origin' shows where it is set")
			}
			return repo.EditConfig(ctx, file, splitKey(args[0]), nil)
		}),
	}
	place.addFlags(c)
	return c
}

// configItem is one setting in JSON.
type configItem struct {
	Key    string `json:"key"`
	Value  any    `json:"value"`
	Origin string `json:"origin"`
	File   string `json:"file,omitempty"`
}

// currentSettings reads the settings here, in or outside of a repository.
func currentSettings(ctx context.Context) (*settings, error) {
	r, err := repo.Find(ctx, ".")
	if err != nil && !errs.Is(err, errs.NotARepository) {
		return nil, err
	}
	return readSettings(r)
}

func newConfigGetCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use:               "get <key>",
		Short:             "Show the value of a setting",
		Example:           "  mlops config get core.remote",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeSettings,
		RunE: a.run(func(ctx context.Context, args []string) error {
			known, err := needSetting(args[0])
			if err != nil {
				return err
			}
			s, err := currentSettings(ctx)
			if err != nil {
				return err
			}
			value, from, ok := s.lookUp(known.key)
			if !ok {
				return errs.New(errs.NotFound, "%s is not set", known.key).
					Hint("mlops config set %s VALUE   (%s)", known.key, known.about)
			}
			item := configItem{known.key, value, from.origin, from.file}
			return a.io.Result(item, func(w io.Writer) error {
				_, err := fmt.Fprintln(w, showSetting(value))
				return err
			})
		}),
	}
}

func newConfigListCmd(a *app) *cobra.Command {
	var origin bool
	c := &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List the settings that hold here",
		Example: "  mlops config list --show-origin\n  mlops config list --json",
		Args:    cobra.NoArgs,
		RunE: a.run(func(ctx context.Context, _ []string) error {
			s, err := currentSettings(ctx)
			if err != nil {
				return err
			}
			items := []configItem{}
			for _, key := range s.keys() {
				if value, from, ok := s.lookUp(key); ok {
					items = append(items, configItem{key, value, from.origin, from.file})
				}
			}
			return a.io.Result(items, func(w io.Writer) error { return a.printConfig(w, items, origin) })
		}),
	}
	c.Flags().BoolVar(&origin, "show-origin", false, "tell where each value is from")
	return c
}

func (a *app) printConfig(w io.Writer, items []configItem, origin bool) error {
	table := a.io.Table()
	for _, item := range items {
		row := []string{item.Key, showSetting(item.Value)}
		if origin {
			from := item.Origin
			switch {
			case item.File != "":
				from += " " + item.File
			case from == fromEnv:
				from += " " + envName(item.Key)
			}
			row = append(row, from)
		}
		table.Row(row...)
	}
	return table.Write(w)
}

// completeSettings offers the keys of settings.
func completeSettings(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var keys []string
	for _, s := range knownSettings() {
		keys = append(keys, s.key+"\t"+s.about)
	}
	return keys, cobra.ShellCompDirectiveNoFileComp
}
