package store

import (
	"fmt"
	"os"

	"github.com/mlops-cli/mlops/pkg/oid"
)

// AdoptObject takes a file that was written to the store's tmp directory and
// holds the verified bytes of an object of LooseSize or more.
func (b *Batch) AdoptObject(path string, id oid.ID) error {
	if err := os.Chmod(path, 0o444); err != nil {
		return fmt.Errorf("adopt object: %w", err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.loose = append(b.loose, rename{path, b.s.loosePath(id)})
	return nil
}

// Missing returns those of ids that the store does not have, in order, in the
// memory of ids. It looks for what other processes stored once, not once an
// object.
func (s *Store) Missing(ids []oid.ID) ([]oid.ID, error) {
	fresh, err := s.changed()
	if err == nil && fresh {
		err = s.refresh()
	}
	if err != nil {
		return nil, err
	}
	missing := ids[:0]
	for _, id := range ids {
		if _, ok := s.packed(id); ok {
			continue
		}
		if _, ok := s.LoosePath(id); !ok {
			missing = append(missing, id)
		}
	}
	return missing, nil
}
