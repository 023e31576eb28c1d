package store

import (
	"cmp"
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

func (s *Store) writeMulti() error {
	indexes := make([]*pack.Index, 0, len(s.packs))
	for _, p := range s.packs {
		if err := p.open(); err != nil {
			return nil // a pack that cannot be read stays outside any index
		}
		indexes = append(indexes, p.index)
	}
	slices.SortFunc(indexes, func(a, b *pack.Index) int {
		return cmp.Or(cmp.Compare(b.Len(), a.Len()), a.Pack().Compare(b.Pack()))
	})
	if err := fsx.WriteFile(filepath.Join(s.dir, packDir, multiName), pack.BuildMulti(indexes), 0o644); err != nil {
		return err
	}
	return s.load()
}
