package tree

import (
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/oid"
)

// Refs calls fn for each object that one node names itself: inner and leaf
// nodes (with node true), files and links. The size is in bytes, of nodes all
// that is below them. It reads the node's bytes only, so that a tree can be
// fetched level by level.
func Refs(bytes []byte, fn func(id oid.ID, node bool, size int64) error) error {
	n, err := decode(bytes)
	if err != nil {
		return errs.New(errs.Corrupt, "tree node: %w", err)
	}
	for _, e := range n.entries {
		if err := fn(e.ID, n.level > 0 || e.Kind == Dir, e.Size); err != nil {
			return err
		}
	}
	return nil
}
