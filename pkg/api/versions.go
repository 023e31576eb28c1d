package api

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/registry"
	"github.com/mlops-cli/mlops/pkg/release"
	"github.com/mlops-cli/mlops/pkg/route"
	"github.com/mlops-cli/mlops/pkg/track"
)

// VersionPath names a version in a path.
type VersionPath struct {
	ModelPath

	Version int `path:"version" minimum:"1" maximum:"2147483647"`
}

func (p VersionPath) ref() registry.Ref { return registry.Ref{Name: p.Model, Number: p.Version} }

// version is a version of a model.
type version struct {
	Model       string            `json:"model"`
	Version     int               `json:"version"`
	ID          string            `json:"id" doc:"the same on every machine"`
	Created     int64             `json:"creation_time"`
	Updated     int64             `json:"last_update_time"`
	Description string            `json:"description"`
	User        string            `json:"user,omitempty"`
	Stage       string            `json:"stage" enum:"None,Staging,Production,Archived"`
	Source      string            `json:"source,omitempty"`
	RunID       string            `json:"run_id,omitempty"`
	Commit      string            `json:"commit,omitempty" doc:"of the code"`
	Flavors     []string          `json:"flavors"`
	Licence     string            `json:"licence,omitempty"`
	Card        string            `json:"card,omitempty" doc:"the model card, Markdown"`
	Size        int64             `json:"size" doc:"bytes"`
	Files       int64             `json:"files"`
	Data        []versionData     `json:"data" doc:"what its run read"`
	Aliases     []string          `json:"aliases"`
	Tags        map[string]string `json:"tags"`
}

type versionData struct {
	Path string `json:"path"`
	ID   string `json:"id"`
	Size int64  `json:"size"`
}

func versionOf(v registry.Version) version {
	out := version{
		Model: v.Model, Version: v.Number, ID: v.ID, Created: v.Created, Updated: v.Updated, Description: v.Description, User: v.User,
		Stage: string(v.Stage), Source: v.Source, RunID: v.RunID, Commit: v.Details.Git.Commit, Flavors: append([]string{}, v.Details.Flavors...),
		Licence: v.Details.Licence, Card: v.Details.Card, Size: v.Details.Size, Files: v.Details.Files, Data: []versionData{},
		Aliases: append([]string{}, v.Aliases...), Tags: map[string]string{},
	}
	for _, t := range v.Tags {
		out.Tags[t.Key] = t.Value
	}
	for _, d := range v.Details.Inputs {
		out.Data = append(out.Data, versionData{d.Path, d.ID.String(), d.Size})
	}
	return out
}

type versionInput struct {
	Source      string            `json:"source" minLength:"1" maxLength:"5000" doc:"where the files are: runs:/RUN/PATH, s3://…"`
	RunID       string            `json:"run_id,omitempty" maxLength:"32"`
	Description string            `json:"description,omitempty" maxLength:"5000"`
	Tags        map[string]string `json:"tags,omitempty" maxProperties:"100"`
}

func (a *api) addVersions() {
	const tag = "models"
	about := route.Path(route.Model, "model")
	add(a, operation{id: "list-versions", method: http.MethodGet, path: "/models/{model}/versions", summary: "List versions, the newest first", tag: tag, need: route.Read, subjects: about},
		func(ctx context.Context, in *struct {
			ModelPath
			Search
		},
		) (*reply[list[version]], error) {
			if _, err := a.Models.Model(ctx, in.Model); err != nil {
				return nil, err
			}
			q, err := modelQuery(in.Search, track.VersionLanguage())
			if err != nil {
				return nil, err
			}
			q.Filter = append(q.Filter, track.Condition{Entity: track.Attributes, Key: "name", Op: track.Equal, Text: in.Model})
			found, err := a.Models.Versions(ctx, q)
			if err != nil {
				return nil, err
			}
			for i := range found {
				if err := a.complete(ctx, &found[i]); err != nil {
					return nil, err
				}
			}
			return ok(listOf(in.Page, found, nil, versionOf))
		})
	add(a, operation{
		id: "create-version", method: http.MethodPost, path: "/models/{model}/versions", summary: "Add a version", tag: tag, makes: "version=version", need: route.Write, subjects: about,
		status: http.StatusCreated, describe: "The source must be a URI; `mlops model register` makes versions of files.",
	}, func(ctx context.Context, in *struct {
		ModelPath
		Body versionInput
	},
	) (*reply[version], error) {
		if err := checkSource(in.Body.Source); err != nil {
			return nil, err
		}
		v := registry.Version{Model: in.Model, Source: in.Body.Source, RunID: in.Body.RunID, Description: in.Body.Description}
		for key, value := range in.Body.Tags {
			v.Tags = append(v.Tags, registry.Tag{Key: key, Value: value})
		}
		if err := mayUse(ctx, &v); err != nil {
			return nil, err
		}
		if err := a.runsOf(ctx, &v); err != nil {
			return nil, err
		}
		if err := a.complete(ctx, &v); err != nil {
			return nil, err
		}
		made, err := a.Models.CreateVersion(ctx, v)
		return ok(versionOf(made), err)
	})
	add(a, operation{id: "get-version", method: http.MethodGet, path: "/models/{model}/versions/{version}", summary: "Show a version", tag: tag, need: route.Read, subjects: about},
		func(ctx context.Context, in *VersionPath) (*reply[version], error) {
			return a.showVersion(ctx, in.Model, in.Version)
		})
	add(a, operation{id: "update-version", method: http.MethodPatch, path: "/models/{model}/versions/{version}", summary: "Change a version", tag: tag, need: route.Write, subjects: about},
		func(ctx context.Context, in *struct {
			VersionPath

			Body struct {
				Description *string            `json:"description,omitempty" maxLength:"5000"`
				Tags        map[string]*string `json:"tags,omitempty" maxProperties:"100" doc:"null takes a tag off"`
				Stage       string             `json:"stage,omitempty" enum:"None,Staging,Production,Archived"`
			}
		},
		) (*reply[version], error) {
			if err := a.changeRegistered(ctx, in.ref(), change{Description: in.Body.Description, Tags: in.Body.Tags}); err != nil {
				return nil, err
			}
			if in.Body.Stage != "" {
				if _, err := a.Models.SetStage(ctx, in.Model, in.Version, registry.Stage(in.Body.Stage), false); err != nil {
					return nil, err
				}
			}
			return a.showVersion(ctx, in.Model, in.Version)
		})
	add(a, operation{
		id: "delete-version", method: http.MethodDelete, path: "/models/{model}/versions/{version}", summary: "Delete a version", tag: tag,
		need: route.Write, subjects: about, status: http.StatusNoContent, describe: "Its number is not used again.",
	}, func(ctx context.Context, in *VersionPath) (*nothing, error) {
		return done(a.Models.Delete(ctx, in.ref()))
	})

	type AliasPath struct {
		ModelPath

		Alias string `path:"alias" maxLength:"255"`
	}
	add(a, operation{id: "get-alias", method: http.MethodGet, path: "/models/{model}/aliases/{alias}", summary: "Show the version that an alias names", tag: tag, need: route.Read, subjects: about},
		func(ctx context.Context, in *AliasPath) (*reply[version], error) {
			m, err := a.Models.Model(ctx, in.Model)
			if err != nil {
				return nil, err
			}
			number, err := m.Holder(in.Alias)
			if err != nil {
				return nil, err
			}
			return a.showVersion(ctx, in.Model, number)
		})
	add(a, operation{
		id: "set-alias", method: http.MethodPut, path: "/models/{model}/aliases/{alias}", summary: "Let an alias name a version", tag: tag,
		need: route.Write, subjects: about, status: http.StatusNoContent, describe: "`mlops model promote` moves an alias only when its gates hold; this does not ask them.",
	}, func(ctx context.Context, in *struct {
		AliasPath

		Body struct {
			Version int `json:"version" minimum:"1" maximum:"2147483647"`
		}
	},
	) (*nothing, error) {
		return done(a.Models.SetAlias(ctx, in.Model, in.Alias, in.Body.Version))
	})
	add(a, operation{
		id: "delete-alias", method: http.MethodDelete, path: "/models/{model}/aliases/{alias}", summary: "Take an alias away", tag: tag,
		need: route.Write, subjects: about, status: http.StatusNoContent,
	}, func(ctx context.Context, in *AliasPath) (*nothing, error) {
		m, err := a.Models.Model(ctx, in.Model)
		if err != nil {
			return nil, err
		}
		if _, err := m.Holder(in.Alias); err != nil {
			return nil, err
		}
		return done(a.Models.DeleteAlias(ctx, in.Model, in.Alias))
	})
}

func (a *api) showVersion(ctx context.Context, model string, number int) (*reply[version], error) {
	v, err := a.Models.Version(ctx, model, number)
	if err == nil {
		err = a.complete(ctx, &v)
	}
	return ok(versionOf(v), err)
}

// complete fills in what the files of a version say, where it was not kept when
// it was registered.
func (a *api) complete(ctx context.Context, v *registry.Version) error {
	if a.Files == nil {
		return nil
	}
	return release.Describe(ctx, a.Files, v)
}

// mayUse asks whether the user may see the run and the files that a version is
// made of: whoever may read the version can read them.
func mayUse(ctx context.Context, v *registry.Version) error {
	var all []route.Subject
	if v.RunID != "" {
		all = append(all, route.Subject{Kind: route.Run, ID: v.RunID})
	}
	if owner, known := release.OwnerOf(v); known {
		kind := route.Run
		if owner.Model {
			kind = route.LoggedModel
		}
		all = append(all, route.Subject{Kind: kind, ID: owner.ID})
	}
	for _, s := range all {
		if err := route.Allow(ctx, route.Read, s); err != nil {
			return err
		}
	}
	return nil
}

// runsOf refuses a version of a run that does not exist.
func (a *api) runsOf(ctx context.Context, v *registry.Version) error {
	ids := []string{v.RunID}
	if owner, known := release.OwnerOf(v); known && !owner.Model {
		ids = append(ids, owner.ID)
	}
	for _, id := range ids {
		if id == "" {
			continue
		}
		if _, err := a.Tracking.Run(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// checkSource refuses what names a place on the server, or hides one.
func checkSource(source string) error {
	u, err := url.Parse(source)
	if err != nil || u.Scheme == "" || u.Scheme == "file" || u.Scheme == "http" || u.Scheme == "https" || u.Fragment != "" ||
		strings.ContainsAny(source, "\\\x00%") || slices.Contains(strings.Split(u.Path, "/"), "..") {
		return errs.New(errs.Usage, "%q cannot be the source of a version", source).
			Hint("runs:/RUN/PATH, models:/m-…, or a URL of a bucket")
	}
	return nil
}
