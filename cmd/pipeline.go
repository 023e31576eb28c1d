package cmd

import (
	"context"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/mlops-cli/mlops/pkg/migrate"
	"github.com/mlops-cli/mlops/pkg/pipeline"
	"github.com/mlops-cli/mlops/pkg/progress"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/stagefile"
	"github.com/mlops-cli/mlops/pkg/track"
	"github.com/mlops-cli/mlops/pkg/transfer"
	"github.com/mlops-cli/mlops/pkg/tree"
	"github.com/mlops-cli/mlops/pkg/workspace"
)

// engine opens the pipeline of the repository. Dir is the working directory
// relative to its root, as the names of stages are.
func (a *app) engine(ctx context.Context) (e *pipeline.Engine, dir string, err error) {
	r, err := a.repo(ctx)
	if err != nil {
		return nil, "", err
	}
	if dir, err = r.Rel(".", "."); err != nil {
		return nil, "", err
	}
	if e, err = a.engineOf(r); err != nil {
		return nil, "", err
	}
	e.Recorded, err = recorder(r)
	return e, dir, err
}

// engineOf opens the pipeline of a repository, or of a copy of its workspace.
func (a *app) engineOf(r *repo.Repo) (*pipeline.Engine, error) {
	tmp, err := r.TmpDir()
	if err != nil {
		return nil, err
	}
	remote := a.defaultTransfer(r)
	return pipeline.New(pipeline.Config{
		Root:  r.Root,
		Read:  func(p string) ([]byte, error) { return os.ReadFile(filepath.Join(r.Root, filepath.FromSlash(p))) },
		Files: pipeline.NewRepoFiles(r),
		// What stages print goes to the terminal: no bars beside it.
		Data:     pipeline.WorkspaceData{Workspace: workspace.New(r, progress.Nop{})},
		Index:    r.Index,
		Identify: identify,
		Track:    func(ctx context.Context) (track.Recorder, error) { return a.tracking(ctx) },
		Fetch:    func(ctx context.Context, assets []stagefile.Asset) error { return fetchAssets(ctx, remote, assets) },
		LookUp: func(ctx context.Context, dir stagefile.Asset, below string, fetch bool) (tree.Entry, error) {
			return lookUp(ctx, r, remote, dir, below, fetch)
		},
		Code:     func(ctx context.Context, files []string) (pipeline.CodeState, error) { return codeState(ctx, r, files) },
		Foreign:  migrate.NewReader(r).Records,
		Describe: func(ctx context.Context) (track.Run, error) { return describeRun(ctx, r) },
		Tmp:      tmp,
		Clock:    a.clock,
	}), nil
}

// recorder writes what runs into dvc.lock, where the settings ask for it.
func recorder(r *repo.Repo) (func(context.Context, []pipeline.Done) error, error) {
	if !r.Config.DVC.WriteLock {
		return nil, nil
	}
	w, err := migrate.NewLockWriter(r)
	if err != nil {
		return nil, err
	}
	return w.Write, nil
}

// lookUp finds what is below a directory, by its nodes here or in the default
// remote.
func lookUp(ctx context.Context, r *repo.Repo, remote openTransfer, dir stagefile.Asset, below string, fetch bool) (tree.Entry, error) {
	if fetch {
		t, err := remote(ctx)
		if err != nil {
			return tree.Entry{}, err
		}
		return t.LookUp(ctx, dir.ID, below)
	}
	st, err := r.Store(ctx)
	if err != nil {
		return tree.Entry{}, err
	}
	return tree.Lookup(ctx, st, dir.ID, below)
}

// openTransfer connects to a remote when it is first called.
type openTransfer func(ctx context.Context) (*transfer.Transfer, error)

// defaultTransfer connects to the default remote once for all stages.
func (a *app) defaultTransfer(r *repo.Repo) openTransfer {
	var mu sync.Mutex
	var t *transfer.Transfer
	return func(ctx context.Context) (*transfer.Transfer, error) {
		mu.Lock()
		defer mu.Unlock()
		if t != nil {
			return t, nil
		}
		bucket, name, err := a.bucket(context.WithoutCancel(ctx), "", 0)
		if err != nil {
			return nil, err
		}
		t = transfer.New(r, bucket, name, progress.Nop{})
		return t, nil
	}
}

// fetchAssets brings assets from a remote into the store.
func fetchAssets(ctx context.Context, remote openTransfer, assets []stagefile.Asset) error {
	t, err := remote(ctx)
	if err != nil {
		return err
	}
	objects := make([]repo.Object, len(assets))
	for i, asset := range assets {
		objects[i] = repo.FromAsset(asset)
	}
	_, err = t.Fetch(ctx, transfer.FetchRequest{Selection: transfer.Selection{Objects: objects}})
	return err
}

// stageCache is what the stages made, as remotes keep it.
func (a *app) stageCache(ctx context.Context) (*pipeline.SharedCache, error) {
	r, err := a.repo(ctx)
	if err != nil {
		return nil, err
	}
	index, err := r.Index(ctx)
	if err != nil {
		return nil, err
	}
	return pipeline.NewSharedCache(index, a.clock), nil
}

// learnStages takes in what others' stages made, as the default remote knows it.
// Without it a run only does more than it must.
func (a *app) learnStages(ctx context.Context) error {
	err := a.fetchStages(ctx)
	if err != nil && ctx.Err() == nil {
		a.io.Warn("the results of others' stages are not known: %v", err)
		return nil
	}
	return err
}

func (a *app) fetchStages(ctx context.Context) error {
	t, _, err := a.transfer(ctx, "", 0)
	if err != nil {
		return err
	}
	cache, err := a.stageCache(ctx)
	if err != nil {
		return err
	}
	_, err = t.Fetch(ctx, transfer.FetchRequest{Stages: cache})
	return err
}

// describeRun asks git, side by side, what a run should know of the code.
func describeRun(ctx context.Context, r *repo.Repo) (track.Run, error) {
	var run track.Run
	git := r.Git()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) { run.Git.Commit, err = git.Head(ctx); return err })
	g.Go(func() (err error) { run.Git.Branch, err = git.Branch(ctx); return err })
	g.Go(func() (err error) { run.Git.Dirty, err = git.Dirty(ctx); return err })
	g.Go(func() (err error) { run.Git.Remote, err = git.Remote(ctx); return err })
	return run, g.Wait()
}
