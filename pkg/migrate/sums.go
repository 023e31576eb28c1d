package migrate

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/mlops-cli/mlops/pkg/db"
	"github.com/mlops-cli/mlops/pkg/dvc"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/tree"
)

// alias is content by both its names.
type alias struct {
	sum         dvc.Sum
	id          oid.ID
	size, files int64
	parts       []byte // see partsOf
}

func (a *alias) kind() tree.Kind {
	if a.sum.IsDir() {
		return tree.Dir
	}
	return tree.File
}

// sums is the table dvc_sums.
type sums struct {
	open func(ctx context.Context) (*db.DB, error)
}

const sumColumns = "SELECT algorithm, sum, id, size, files FROM dvc_sums WHERE "

// atOnce bounds the values of one statement.
const atOnce = 400

// bySum returns what is known of sums; several ids may share one.
func (s *sums) bySum(ctx context.Context, want []dvc.Sum) (map[dvc.Sum][]alias, error) {
	found := map[dvc.Sum][]alias{}
	for some := range slices.Chunk(want, atOnce) {
		args := make([]any, len(some))
		for i, w := range some {
			args[i] = w.Hex
		}
		// A sum of DVC 3 holds for 2, too, where the content has no CRLF: then both are written.
		err := s.query(ctx, "sum IN ("+marks(len(some))+")", args, func(a alias) { found[a.sum] = append(found[a.sum], a) })
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

// byID returns the sums of one algorithm that are known of ids.
func (s *sums) byID(ctx context.Context, algorithm string, want []oid.ID) (map[oid.ID]alias, error) {
	found := map[oid.ID]alias{}
	for some := range slices.Chunk(want, atOnce) {
		args := make([]any, 0, len(some)+1)
		args = append(args, algorithm)
		for _, w := range some {
			args = append(args, w[:])
		}
		err := s.query(ctx, "algorithm = ? AND id IN ("+marks(len(some))+")", args, func(a alias) { found[a.id] = a })
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

func marks(n int) string { return strings.TrimSuffix(strings.Repeat("?,", n), ",") }

func (s *sums) query(ctx context.Context, where string, args []any, fn func(alias)) (err error) {
	index, err := s.open(ctx)
	if err != nil {
		return err
	}
	rows, err := index.QueryContext(ctx, sumColumns+where, args...)
	if err != nil {
		return fmt.Errorf("look up DVC's sums: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var a alias
		var id []byte
		if err := rows.Scan(&a.sum.Algorithm, &a.sum.Hex, &id, &a.size, &a.files); err != nil {
			return fmt.Errorf("look up DVC's sums: %w", err)
		}
		if a.id, err = oid.FromBytes(id); err != nil {
			continue // as good as none
		}
		fn(a)
	}
	return rows.Err()
}

// parts returns the sums of the files of a directory by their path, where they
// are known.
func (s *sums) parts(ctx context.Context, a alias, paths []string) (map[string]string, error) {
	index, err := s.open(ctx)
	if err != nil {
		return nil, err
	}
	var raw []byte
	err = index.QueryRowContext(ctx, "SELECT parts FROM dvc_sums WHERE algorithm = ? AND sum = ? AND id = ?", a.sum.Algorithm, a.sum.Hex, a.id[:]).Scan(&raw)
	if errors.Is(err, sql.ErrNoRows) || err == nil && len(raw) != rawSum*len(paths) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look up DVC's sums: %w", err)
	}
	slices.Sort(paths)
	found := make(map[string]string, len(paths))
	for i, p := range paths {
		found[p] = hex.EncodeToString(raw[i*rawSum : (i+1)*rawSum])
	}
	return found, nil
}

const rawSum = 16 // bytes of an MD5

// partsOf packs the sums of a manifest, sorted by path.
func partsOf(m dvc.Manifest) []byte {
	m = slices.Clone(m)
	slices.SortFunc(m, func(a, b dvc.File) int { return strings.Compare(a.Path, b.Path) })
	out := make([]byte, 0, rawSum*len(m))
	for _, f := range m {
		raw, err := hex.DecodeString(f.Hex)
		if err != nil || len(raw) != rawSum {
			return nil
		}
		out = append(out, raw...)
	}
	return out
}

// put remembers aliases. What cannot be written in a repository that may only be
// read is learnt anew the next time.
func (s *sums) put(ctx context.Context, list []alias) error {
	if len(list) == 0 {
		return nil
	}
	index, err := s.open(ctx)
	if err != nil {
		return err
	}
	return index.Write(ctx, func(tx *sql.Tx) (err error) {
		put, err := tx.PrepareContext(ctx, "INSERT OR REPLACE INTO dvc_sums (algorithm, sum, id, size, files, parts) VALUES (?,?,?,?,?,?)")
		if err != nil {
			return fmt.Errorf("remember DVC's sums: %w", err)
		}
		defer func() { err = errors.Join(err, put.Close()) }()
		for _, a := range list {
			if _, err := put.ExecContext(ctx, a.sum.Algorithm, a.sum.Hex, a.id[:], a.size, a.files, a.parts); err != nil {
				return fmt.Errorf("remember DVC's sums: %w", err)
			}
		}
		return nil
	})
}
