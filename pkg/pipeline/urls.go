package pipeline

import (
	"cmp"
	"context"
	"path"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/mlops-cli/mlops/pkg/dvc"
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/stagefile"
)

// askAtOnce is how many URLs are asked for at the same time.
const askAtOnce = 16

// identified is the version of what is at a URL, or why it is not known.
type identified struct {
	asset stagefile.Asset
	err   error
}

// identifyURLs asks for the versions of all URLs that stages depend on, side by
// side. One that cannot be had is an error of the stages that need it only.
func (v *view) identifyURLs(ctx context.Context, stages []*stagefile.Stage) error {
	var urls []string
	for _, s := range stages {
		for _, d := range s.Deps {
			if _, asked := v.urls[d.Path]; strings.Contains(d.Path, "://") && !asked && !s.Frozen && !slices.Contains(urls, d.Path) {
				urls = append(urls, d.Path)
			}
		}
	}
	if len(urls) == 0 {
		return nil
	}
	found := make([]identified, len(urls))
	var g errgroup.Group
	g.SetLimit(askAtOnce)
	for i, url := range urls {
		g.Go(func() error {
			a, err := v.identify(ctx, url)
			if err != nil {
				err = errs.New(errs.KindOf(err), "dependency %s: %w", url, err)
			}
			found[i] = identified{a, err}
			return ctx.Err()
		})
	}
	err := g.Wait()
	if v.urls == nil {
		v.urls = map[string]identified{}
	}
	for i, url := range urls {
		v.urls[url] = found[i]
	}
	return err
}

// identifier finds what a URL stands for: a dataset of the project, by what
// its entry says, or what the configuration asks for.
func (e *Engine) identifier(p *Project) func(ctx context.Context, url string) (stagefile.Asset, error) {
	return func(ctx context.Context, url string) (stagefile.Asset, error) {
		if name, ok := strings.CutPrefix(url, stagefile.DatasetScheme); ok {
			return p.dataset(name, e.Read)
		}
		if e.Identify == nil {
			return stagefile.Asset{}, errs.New(errs.Usage, "URLs cannot be asked for here")
		}
		return e.Identify(ctx, url)
	}
}

// dataset is an entry of datasets, as DVC locked it where it did.
func (p *Project) dataset(name string, read stagefile.ReadFunc) (stagefile.Asset, error) {
	var known []string
	for _, f := range p.Files {
		for _, d := range f.Datasets {
			if d.Name == name {
				entry := d.Def
				lock := path.Join(f.Dir, dvc.LockName)
				if text, err := read(lock); err == nil {
					l, err := dvc.ParseLock(lock, text)
					if err != nil {
						return stagefile.Asset{}, errs.New(errs.Corrupt, "%w", err)
					}
					entry = cmp.Or(l.Datasets[name], entry)
				}
				return stagefile.DatasetAsset(name, entry), nil
			}
			known = append(known, d.Name)
		}
	}
	return stagefile.Asset{}, errs.New(errs.NotFound, "no dataset %q", name).DidYouMean(name, known)
}
