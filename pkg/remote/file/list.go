package file

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mlops-cli/mlops/pkg/remote"
)

// pageSize is the number of objects on a page, as in S3.
const pageSize = 1000

// List returns one page; its token is the last key of the page before.
func (b *Bucket) List(ctx context.Context, prefix, token string) ([]remote.Object, string, error) {
	l := lister{ctx: ctx, root: b.root, prefix: prefix, after: token}
	err := l.walk("")
	switch {
	case errors.Is(err, errFull):
		return l.page, l.page[len(l.page)-1].Key, nil
	case err != nil:
		return nil, "", explain(err, "list", b.root)
	}
	return l.page, "", nil
}

// errFull ends a walk whose page is full.
var errFull = errors.New("page is full")

type lister struct {
	ctx                 context.Context //nolint:containedctx // lives as long as one List
	root, prefix, after string
	page                []remote.Object
}

// walk lists the directory of the keys that begin with below, which is "" or
// ends with a slash.
func (l *lister) walk(below string) error {
	if err := l.ctx.Err(); err != nil {
		return err
	}
	entries, err := os.ReadDir(filepath.Join(l.root, filepath.FromSlash(below)))
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	key := func(e fs.DirEntry) string {
		if e.IsDir() {
			return below + e.Name() + "/"
		}
		return below + e.Name()
	}
	// Key order is not name order: "a-b" sorts before "a/b".
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return cmp.Compare(key(a), key(b)) })
	for _, e := range entries {
		k := key(e)
		switch {
		case strings.HasPrefix(e.Name(), tempPrefix):
		case e.IsDir():
			// Enter what can hold a wanted key: one with the prefix, after the token.
			inside := strings.HasPrefix(k, l.prefix) || strings.HasPrefix(l.prefix, k)
			if inside && (k > l.after || strings.HasPrefix(l.after, k)) {
				if err := l.walk(k); err != nil {
					return err
				}
			}
		case strings.HasPrefix(k, l.prefix) && k > l.after:
			if len(l.page) == pageSize {
				return errFull
			}
			info, err := e.Info()
			if errors.Is(err, fs.ErrNotExist) {
				continue // deleted since
			}
			if err != nil {
				return err
			}
			l.page = append(l.page, remote.Object{Key: k, Size: info.Size()})
		}
	}
	return nil
}
