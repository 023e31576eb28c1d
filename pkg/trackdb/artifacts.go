package trackdb

import (
	"cmp"
	"context"
	"path"
	"slices"
	"strings"

	"github.com/mlops-cli/mlops/pkg/db"
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/track"
)

// maxArtifactPath is how many bytes the path of an artifact may have: an index
// of PostgreSQL takes no longer ones.
const maxArtifactPath = 2000

// shelf is where the artifacts of an owner are.
type shelf struct {
	table, where string // rows of an owner; one argument
	seq          int64
}

func shelfOf(o track.Owner, seq int64) shelf {
	switch {
	case o.Shared:
		return shelf{"shared_assets", "0 = ?", 0}
	case o.Model:
		return shelf{"model_assets", "model = ?", seq}
	}
	return shelf{"assets", "role = 'artifact' AND run = ?", seq}
}

// openOwner finds the owner that a write is about, if it may change; done notes
// that it did.
func (s *Service) openOwner(ctx context.Context, tx *db.Tx, o track.Owner) (seq int64, done func() error, err error) {
	if o.Shared {
		return 0, func() error { return nil }, nil
	}
	if o.Model {
		m, err := openModel(ctx, tx, o.ID)
		return m.seq, func() error { return s.modelChanged(ctx, tx, m) }, err
	}
	r, err := s.open(ctx, tx, o.ID)
	if err == nil {
		err = r.grow(o.ID)
	}
	return r.seq, func() error {
		if r.status.Over() {
			return s.edited(ctx, tx, r.seq)
		}
		return nil
	}, err
}

// PutArtifacts implements track.Artifacts.
func (s *Service) PutArtifacts(ctx context.Context, o track.Owner, files []track.Asset) error {
	placed := make([]track.Asset, len(files))
	for i, f := range files {
		if f.Path == "" || path.Clean(f.Path) != f.Path || path.IsAbs(f.Path) || f.Path == ".." || strings.HasPrefix(f.Path, "../") || f.Path == "." {
			return errs.New(errs.Usage, "%q is no path of an artifact", f.Path)
		}
		if len(f.Path) > maxArtifactPath {
			return errs.New(errs.Usage, "the path of artifact %.40q… has %d bytes, at most %d are allowed", f.Path, len(f.Path), maxArtifactPath)
		}
		f.Role = track.Artifact
		placed[i] = f
	}
	return s.db.Update(ctx, func(tx *db.Tx) error {
		seq, done, err := s.openOwner(ctx, tx, o)
		if err != nil {
			return err
		}
		for _, f := range placed {
			if err := freePlace(ctx, tx, shelfOf(o, seq), f); err != nil {
				return err
			}
		}
		switch {
		case o.Shared:
			err = logSharedAssets(ctx, tx, placed)
		case o.Model:
			err = logModelAssets(ctx, tx, seq, placed)
		default:
			err = logAssets(ctx, tx, seq, placed)
		}
		if err != nil {
			return err
		}
		return done()
	})
}

func logModelAssets(ctx context.Context, tx *db.Tx, seq int64, assets []track.Asset) error {
	assets = lastOf(assets, func(a track.Asset) string { return a.Path })
	_, err := insert(ctx, tx, "INSERT INTO model_assets (model, path, kind, id, size, files)",
		"ON CONFLICT (model, path) DO UPDATE SET kind = excluded.kind, id = excluded.id, size = excluded.size, files = excluded.files", 6, assets,
		func(a track.Asset) []any { return []any{seq, a.Path, a.Kind, a.ID[:], a.Size, a.Files} })
	return err
}

func logSharedAssets(ctx context.Context, tx *db.Tx, assets []track.Asset) error {
	assets = lastOf(assets, func(a track.Asset) string { return a.Path })
	_, err := insert(ctx, tx, "INSERT INTO shared_assets (path, kind, id, size, files)",
		"ON CONFLICT (path) DO UPDATE SET kind = excluded.kind, id = excluded.id, size = excluded.size, files = excluded.files", 5, assets,
		func(a track.Asset) []any { return []any{a.Path, a.Kind, a.ID[:], a.Size, a.Files} })
	return err
}

// freePlace says whether a file may be put at its path: there must be nothing
// below it, and no file above it.
func freePlace(ctx context.Context, tx *db.Tx, at shelf, f track.Asset) error {
	below, err := column(ctx, tx, "SELECT path FROM "+at.table+" WHERE "+at.where+" AND path > ? AND path < ? LIMIT 1", at.seq, f.Path+"/", f.Path+"0")
	if err != nil {
		return err
	}
	if len(below) > 0 {
		return errs.New(errs.Conflict, "artifact %s is a directory: it holds %s", f.Path, below[0])
	}
	for dir := path.Dir(f.Path); dir != "."; dir = path.Dir(dir) {
		above, err := column(ctx, tx, "SELECT path FROM "+at.table+" WHERE "+at.where+" AND path = ?", at.seq, dir)
		if err != nil {
			return err
		}
		if len(above) > 0 {
			return errs.New(errs.Conflict, "artifact %s is there already: %s cannot be below it", dir, f.Path)
		}
	}
	return nil
}

// owned runs a query of the artifacts of an owner; where follows WHERE.
func (s *Service) owned(ctx context.Context, o track.Owner, fn func(track.Asset), where string, args ...any) error {
	from := "local FROM assets WHERE role = 'artifact' AND run = (SELECT seq FROM runs WHERE id = ?)"
	switch {
	case o.Shared:
		from = "0 FROM shared_assets WHERE '' = ?"
	case o.Model:
		from = "0 FROM model_assets WHERE model = (SELECT seq FROM logged_models WHERE id = ? AND deleted = 0)"
	}
	a := track.Asset{Role: track.Artifact}
	var id oidColumn
	return db.Each(ctx, s.db, []any{&a.Path, &a.Kind, &id, &a.Size, &a.Files, &a.Local}, func() error {
		a.ID = oid.ID(id)
		fn(a)
		return nil
	}, "SELECT path, kind, id, size, files, "+from+where, append([]any{o.ID}, args...)...)
}

// Artifact implements track.Artifacts.
func (s *Service) Artifact(ctx context.Context, o track.Owner, name string) (track.Asset, error) {
	places := []any{name}
	for dir := path.Dir(name); dir != "." && dir != "/"; dir = path.Dir(dir) {
		places = append(places, dir)
	}
	var found track.Asset
	err := s.owned(ctx, o, func(a track.Asset) {
		if a.Path == name || a.Kind == "dir" && len(a.Path) > len(found.Path) {
			found = a
		}
	}, " AND path IN ("+marks(len(places))+")", places...)
	if err == nil && found.Path == "" {
		err = errs.New(errs.NotFound, "%w", &track.MissingError{What: track.OfArtifact, ID: name})
	}
	return found, err
}

// ListArtifacts implements track.Artifacts.
func (s *Service) ListArtifacts(ctx context.Context, o track.Owner, dir string) ([]track.Asset, error) {
	list := []track.Asset{}
	take := func(a track.Asset) {
		rest := a.Path
		if dir != "" {
			rest = a.Path[len(dir)+1:]
		}
		first, _, deep := strings.Cut(rest, "/")
		if !deep {
			list = append(list, a)
			return
		}
		at := path.Join(dir, first)
		if n := len(list); n > 0 && list[n-1].Path == at {
			list[n-1].Size, list[n-1].Files = list[n-1].Size+a.Size, list[n-1].Files+a.Files
			return
		}
		list = append(list, track.Asset{Path: at, Role: track.Artifact, Kind: "dir", Size: a.Size, Files: a.Files})
	}
	where, args := " ORDER BY path", []any(nil)
	if dir != "" {
		where, args = " AND path > ? AND path < ? ORDER BY path", []any{dir + "/", dir + "0"}
	}
	err := s.owned(ctx, o, take, where, args...)
	// What is below a/ sorts after a-b; its directory does not.
	slices.SortFunc(list, func(a, b track.Asset) int { return strings.Compare(a.Path, b.Path) })
	return list, err
}

// DeleteArtifacts implements track.Artifacts.
func (s *Service) DeleteArtifacts(ctx context.Context, o track.Owner, name string) (count int, err error) {
	err = s.db.Update(ctx, func(tx *db.Tx) error {
		seq, done, err := s.openOwner(ctx, tx, o)
		if err != nil {
			return err
		}
		at := shelfOf(o, seq)
		query, args := "DELETE FROM "+at.table+" WHERE "+at.where, []any{seq}
		if name != "" {
			query, args = query+" AND (path = ? OR path > ? AND path < ?)", append(args, name, name+"/", name+"0")
		}
		res, err := tx.ExecContext(ctx, query, args...)
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		if err != nil || n == 0 {
			return err
		}
		count = int(n)
		if err := s.event(ctx, tx, "artifact.deleted", cmp.Or(o.ID, "artifacts"), map[string]any{"path": name, "files": n}); err != nil {
			return err
		}
		return done()
	})
	return count, err
}
