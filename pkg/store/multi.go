package store

import (
	"cmp"
	"errors"
	"io"
	"path/filepath"
	"slices"

	"github.com/mlops-cli/mlops/pkg/fsx"
	"github.com/mlops-cli/mlops/pkg/pack"
)

// maxOutside is how many packs may stand outside the merged index: each costs
// every look-up of a missing object one search.
const maxOutside = 8

// mergeIndex writes the merged index anew when many packs are outside it. It
// is derived: losing it costs only time.
func (s *Store) mergeIndex() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.outside) <= maxOutside {
		return nil
	}
	return s.writeMulti()
}

func (s *Store) writeMulti() (err error) {
	indexes := make([]*pack.Index, 0, len(s.packs))
	for _, p := range s.packs {
		if p.index == nil {
			if p.open() != nil {
				return nil // a pack that cannot be read stays outside any index
			}
			// Once it is covered nobody needs it open.
			defer func() { err = errors.Join(err, p.close()) }()
		}
		indexes = append(indexes, p.index)
	}
	slices.SortFunc(indexes, func(a, b *pack.Index) int {
		return cmp.Or(cmp.Compare(b.Len(), a.Len()), a.Pack().Compare(b.Pack()))
	})
	path := filepath.Join(s.dir, packDir, multiName)
	if err := fsx.Replace(path, 0o644, func(w io.Writer) error { return pack.WriteMulti(w, indexes) }); err != nil {
		return err
	}
	return s.load()
}
