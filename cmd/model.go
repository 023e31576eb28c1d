package cmd

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mlops-cli/mlops/pkg/artifact"
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/registry"
	"github.com/mlops-cli/mlops/pkg/registrydb"
	"github.com/mlops-cli/mlops/pkg/release"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/transfer"
)

func newModelCmd(a *app) *cobra.Command {
	c := a.group("model", "Register models, name their versions, promote them",
		newModelRegisterCmd(a), newModelLsCmd(a), newModelShowCmd(a), newModelVersionsCmd(a), newModelAliasCmd(a), newModelTagCmd(a),
		newModelDiffCmd(a), newModelApproveCmd(a), newModelPromoteCmd(a), newModelGetCmd(a), newModelRenumberCmd(a), newModelRmCmd(a))
	c.Long = `A model is a registered name; a version of it is numbered and never changes. A
version is named NAME/3, NAME@production by an alias, or NAME for the newest;
models:/NAME/3 and models:/NAME@production mean the same.`
	c.Example = "  mlops model register models/churn.pkl churn\n  mlops model promote churn@candidate production\n  mlops model get churn@production"
	completeModels(a, c)
	return c
}

// registry opens the registered models.
func (a *app) registry(ctx context.Context) (*registrydb.Service, error) {
	r, err := a.repo(ctx)
	if err != nil {
		return nil, err
	}
	index, err := r.Index(ctx)
	if err != nil {
		return nil, err
	}
	s := registrydb.New(index, a.clock)
	name := r.Config.User.Name
	if name == "" && s.User() == "" {
		// Nobody is named in the environment, as in a container: git may know.
		if name, _, err = r.Git().User(ctx); err != nil {
			return nil, err
		}
	}
	if name != "" {
		s = s.As(name)
	}
	return s, nil
}

// releaser opens what makes and moves versions. With pull it asks the default
// remote, where there is one, for files that are not here.
func (a *app) releaser(ctx context.Context, pull bool) (*release.Releaser, error) {
	r, err := a.repo(ctx)
	if err != nil {
		return nil, err
	}
	w, err := a.workspace(ctx)
	if err != nil {
		return nil, err
	}
	tracking, err := a.tracking(ctx)
	if err != nil {
		return nil, err
	}
	models, err := a.registry(ctx)
	if err != nil {
		return nil, err
	}
	p := release.New(r, w, tracking, models)
	p.Logged = tracking
	st, err := r.Store(ctx)
	if err != nil {
		return nil, err
	}
	local := artifact.NewLocal(st)
	p.Files = artifact.New(tracking, local, local)
	p.Maximize, p.Minimize = r.Config.Compare.Maximize, r.Config.Compare.Minimize
	if pull && len(r.Config.Remotes) > 0 {
		p.Fetch = func(ctx context.Context, objects []repo.Object) error {
			t, _, err := a.transfer(ctx, "", 0)
			if err == nil {
				_, err = t.Fetch(ctx, transfer.FetchRequest{Selection: transfer.Selection{Objects: objects}})
			}
			return err
		}
	}
	return p, nil
}

// find returns the version that a text names.
func findVersion(ctx context.Context, models registry.Reader, text string) (registry.Version, error) {
	ref, err := registry.ParseRef(text)
	if err != nil {
		return registry.Version{}, err
	}
	return models.Find(ctx, ref)
}

// exactly refuses a bare name where one version is meant for good.
func exactly(ref registry.Ref, command, rest string) error {
	if ref.Number > 0 || ref.Alias != "" {
		return nil
	}
	return errs.New(errs.Usage, "%s names no version", ref).Hint("%s", strings.TrimSpace("mlops model "+command+" "+ref.Name+"/VERSION "+rest))
}

// completeModels offers models and versions to the commands below c, all of
// which take them first.
func completeModels(a *app, c *cobra.Command) {
	for _, sub := range c.Commands() {
		if sub.Name() != "register" && sub.Name() != "ls" {
			sub.ValidArgsFunction = a.completeModels
		}
	}
}

// completeModels offers the names of models, and of their versions once a name
// and / or @ was typed.
func (a *app) completeModels(c *cobra.Command, given []string, typed string) ([]string, cobra.ShellCompDirective) {
	const how = cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	models, err := a.registry(c.Context())
	if err != nil {
		return nil, how
	}
	if len(given) > 0 && c.Name() != "rm" && c.Name() != "diff" {
		return completeSecond(c, models, given, typed)
	}
	if name, _, ok := strings.Cut(typed, "/"); ok {
		return a.completeVersions(c.Context(), models, name)
	}
	list, err := models.Models(c.Context(), registry.Query{})
	if err != nil {
		return nil, how
	}
	var words []string
	for i := range list {
		m := &list[i]
		words = append(words, m.Name)
		for _, alias := range m.Aliases {
			words = append(words, m.Name+"@"+alias.Name+"\tversion "+strconv.Itoa(alias.Version))
		}
	}
	return slices.DeleteFunc(words, func(w string) bool { return !strings.HasPrefix(w, typed) }), how
}

// completeSecond offers aliases to the commands that set them, and files to the
// one that writes them.
func completeSecond(c *cobra.Command, models *registrydb.Service, given []string, typed string) ([]string, cobra.ShellCompDirective) {
	switch c.Name() {
	case "get":
		return nil, cobra.ShellCompDirectiveDefault
	case "promote", "alias":
	default:
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	ref, err := registry.ParseRef(given[0])
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	m, err := models.Model(c.Context(), ref.Name)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var words []string
	for _, alias := range m.Aliases {
		if strings.HasPrefix(alias.Name, typed) {
			words = append(words, alias.Name+"\tversion "+strconv.Itoa(alias.Version))
		}
	}
	return words, cobra.ShellCompDirectiveNoFileComp
}

func (a *app) completeVersions(ctx context.Context, models *registrydb.Service, name string) ([]string, cobra.ShellCompDirective) {
	list, err := a.versionsOf(ctx, models, name, 100)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	words := make([]string, len(list))
	for i := range list {
		words[i] = list[i].Ref().String() + "\t" + strings.Join(list[i].Aliases, ", ")
	}
	return words, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
}
