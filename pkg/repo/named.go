package repo

import (
	"context"
	"path"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/stagefile"
)

// NamedAt lists what one pointer or lock file of a git revision names, nothing
// when it is not there. Known is false when file is neither.
func (r *Repo) NamedAt(ctx context.Context, rev, file string) (named []Tracked, known bool, err error) {
	isLock := path.Base(file) == stagefile.LockName
	if !isLock && !IsPointer(path.Base(file)) {
		return nil, false, nil
	}
	text, err := r.git.Show(ctx, rev, file)
	if errs.Is(err, errs.NotFound) {
		return nil, true, nil
	}
	if err != nil {
		return nil, true, err
	}
	if isLock {
		lock, err := stagefile.ParseLock(file, text)
		if err != nil {
			return nil, true, errs.New(errs.KindOf(err), "at %s: %w", rev, err)
		}
		return lockOuts(path.Dir(file), lock), true, nil
	}
	o, err := ParsePointer(file, text)
	if err != nil {
		return nil, true, errs.New(errs.KindOf(err), "at %s: %w", rev, err)
	}
	return []Tracked{{Object: o, Source: file, Cached: true, Push: true}}, true, nil
}
