package migrate

import (
	"context"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mlops-cli/mlops/pkg/dvc"
	"github.com/mlops-cli/mlops/pkg/repo"
)

// below is where, in a place that DVC keeps data in, ours is put: beside it.
const below = "mlops"

// remotes adds DVC's remotes to the settings.
func (m *Importer) remotes(ctx context.Context) error {
	for _, theirs := range m.origin.Config.Remotes {
		got := m.origin.remote(theirs)
		file := filepath.Join(m.repo.MetaDir(), repo.LocalFile)
		if theirs.File == filepath.Join(m.origin.Root, dvcDir, "config") {
			file = filepath.Join(m.repo.MetaDir(), repo.ConfigFile)
		}
		switch _, had := m.repo.Config.Remotes[theirs.Name]; {
		case got.Ours == "":
		case had:
			got.State = StateSame
		default:
			got.State = StateNew
			if err := repo.EditConfig(ctx, file, []string{"remotes", theirs.Name}, got.Ours); err != nil {
				return err
			}
			if theirs.Name == m.origin.Config.Remote && m.repo.Config.Core.Remote == "" {
				if err := repo.EditConfig(ctx, file, []string{"core", "remote"}, theirs.Name); err != nil {
					return err
				}
			}
			if filepath.Base(file) == repo.ConfigFile {
				m.res.Written = append(m.res.Written, repo.Dir+"/"+repo.ConfigFile)
			}
		}
		m.res.Remotes = append(m.res.Remotes, got)
	}
	return nil
}

// remote says what a remote of DVC is to us.
func (o *Origin) remote(theirs dvc.Remote) ImportedRemote {
	got := ImportedRemote{Name: theirs.Name, URL: theirs.URL, State: StateAbsent}
	place, why := theirs.Place()
	got.Why, got.Read = why, why == ""
	switch {
	case why != "":
		return got
	case strings.HasPrefix(place, "http://") || strings.HasPrefix(place, "https://"):
		got.Why = "it can only be read: DVC's data is fetched from it; add another one to push to"
		return got
	}
	base, query, has := strings.Cut(place, "?")
	got.Ours = strings.TrimRight(base, "/") + "/" + below
	if has {
		got.Ours += "?" + query
	}
	if theirs.Relative && theirs.File == filepath.Join(o.Root, dvcDir, "config") {
		if rel, err := filepath.Rel(o.Root, got.Ours); err == nil {
			got.Ours = filepath.ToSlash(rel)
		}
	}
	secrets := []string{"access_key_id", "secret_access_key", "connection_string", "sas_token", "account_key", "credentialpath"}
	if slices.ContainsFunc(secrets, func(s string) bool { return theirs.Options[s] != "" }) {
		got.Why = "its credentials are not taken over: set them in the environment, as docs/remotes.md says"
	}
	return got
}
