package cmd

import (
	"context"
	"os/user"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/migrate"
	"github.com/mlops-cli/mlops/pkg/remote"
	"github.com/mlops-cli/mlops/pkg/remote/cloud"
	"github.com/mlops-cli/mlops/pkg/remote/file"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/trackdb"
	"github.com/mlops-cli/mlops/pkg/workspace"
)

// repo opens the repository around the working directory, with its settings.
func (a *app) repo(ctx context.Context) (*repo.Repo, error) {
	if a.repository != nil {
		return a.repository, nil
	}
	if err := a.enter(); err != nil { // completion comes here without run
		return nil, err
	}
	r, err := repo.Find(ctx, ".")
	if err != nil {
		return nil, err
	}
	s, err := readSettings(r)
	if err != nil {
		return nil, err
	}
	if err := s.fill(&r.Config); err != nil {
		return nil, err
	}
	r.Foreign = migrate.NewReader(r)
	a.atEnd(r.Close)
	a.repository = r
	return r, nil
}

// workspace opens the files and the store of the repository.
func (a *app) workspace(ctx context.Context) (*workspace.Workspace, error) {
	r, err := a.repo(ctx)
	if err != nil {
		return nil, err
	}
	return workspace.New(r, a.io.Progress()), nil
}

// holdStore keeps gc away until the command ends: what a stage stored has a
// name in the lock only a little later.
func (a *app) holdStore(ctx context.Context) error {
	r, err := a.repo(ctx)
	if err != nil {
		return err
	}
	st, err := r.Store(ctx)
	if err != nil {
		return err
	}
	release, err := st.Hold(ctx)
	if err != nil {
		return err
	}
	a.atEnd(release)
	return nil
}

// tracking opens the records of runs.
func (a *app) tracking(ctx context.Context) (*trackdb.Service, error) {
	if a.index != nil {
		return trackdb.New(a.index, a.clock), nil
	}
	r, err := a.repo(ctx)
	if err != nil {
		return nil, err
	}
	index, err := r.Index(ctx)
	if err != nil {
		return nil, err
	}
	s := trackdb.New(index, a.clock)
	name := r.Config.User.Name
	if name == "" && s.By() == "" {
		// Nobody is named in the environment, as in a container: the system may know.
		if u, err := user.Current(); err == nil {
			name = u.Username
		}
	}
	if name != "" {
		s = s.As(name)
	}
	return s, nil
}

// remoteName is the name and URL of a remote; "" names the default one.
func (a *app) remoteName(ctx context.Context, name string) (known, url string, err error) {
	r, err := a.repo(ctx)
	if err != nil {
		return "", "", err
	}
	if name == "" {
		name = r.Config.Core.Remote
	}
	if name == "" && len(r.Config.Remotes) == 1 {
		for only := range r.Config.Remotes {
			name = only
		}
	}
	switch {
	case len(r.Config.Remotes) == 0:
		return "", "", errs.New(errs.NotFound, "there is no remote yet").
			Hint("mlops remote add origin s3://bucket/prefix (or gs://, azblob://, or a directory)")
	case name == "":
		return "", "", errs.New(errs.NotFound, "there are several remotes and none is the default").
			Hint("mlops remote default NAME; 'mlops remote ls' shows the names")
	}
	url, ok := r.Config.Remotes[name]
	if !ok {
		return "", "", unknownRemote(r, name)
	}
	return name, url, nil
}

// bucket connects to the remote called name; "" is the default one. jobs bounds
// the requests in flight, 0 leaves it to the connection.
func (a *app) bucket(ctx context.Context, name string, jobs int) (b *remote.Conn, known string, err error) {
	known, url, err := a.remoteName(ctx, name)
	if err != nil {
		return nil, "", err
	}
	b, err = a.openBucket(ctx, url, remote.Options{Jobs: jobs})
	return b, known, err
}

// openBucket connects to a URL; the connection is closed at the end.
func (a *app) openBucket(ctx context.Context, url string, o remote.Options) (*remote.Conn, error) {
	b, err := a.connect(ctx, url, o)
	if err != nil {
		return nil, err
	}
	a.atEnd(b.Close)
	return b, nil
}

// connect connects to a URL for somebody who closes the connection himself.
func (a *app) connect(ctx context.Context, url string, o remote.Options) (*remote.Conn, error) {
	if a.repository != nil {
		url = remoteURL(a.repository.Home(), url)
	}
	return remote.Open(ctx, url, o, file.Driver(), cloud.Driver())
}
