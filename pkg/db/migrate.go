package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/fsx"
)

// migration is a numbered file of SQL.
type migration struct {
	number int
	name   string
}

// migrationsIn lists the migrations of a folder by number.
func migrationsIn(files fs.FS) ([]migration, error) {
	if files == nil {
		return nil, nil
	}
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		return nil, err
	}
	list := make([]migration, len(names))
	for i, name := range names {
		digits, _, _ := strings.Cut(name, "_")
		n, err := strconv.Atoi(digits)
		if err != nil {
			return nil, fmt.Errorf("migration %s has no number", name)
		}
		list[i] = migration{n, name}
	}
	slices.SortFunc(list, func(a, b migration) int { return a.number - b.number })
	return list, nil
}

// newer refuses a database that a newer program wrote.
func (d *DB) newer(have, newest int) error {
	if have <= newest {
		return nil
	}
	return errs.New(errs.Usage, "database %s has schema %d, this program knows up to %d", d.path, have, newest).
		Hint("use the newer mlops that wrote it")
}

// migrate applies, in one transaction, the files whose number is above the
// database's version. Of a database that cannot be made again and has rows, a
// copy is left beside it first.
func (d *DB) migrate(ctx context.Context, o Options) error {
	list, err := migrationsIn(o.Migrations)
	if err != nil || len(list) == 0 {
		return err
	}
	newest := list[len(list)-1].number
	var have int
	if err := d.QueryRowContext(ctx, "PRAGMA user_version").Scan(&have); err != nil {
		return err
	}
	if err := d.newer(have, newest); err != nil || have == newest {
		return err
	}
	return d.Write(ctx, func(tx *sql.Tx) error {
		// Another process may have migrated while we waited for the write lock.
		if err := tx.QueryRowContext(ctx, "PRAGMA user_version").Scan(&have); err != nil {
			return err
		}
		if err := d.newer(have, newest); err != nil || have == newest {
			return err
		}
		if have > 0 && !o.Derived {
			if err := d.backup(ctx, have); err != nil {
				return err
			}
		}
		for _, m := range list {
			if m.number <= have {
				continue
			}
			text, err := fs.ReadFile(o.Migrations, m.name)
			if err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, string(text)); err != nil {
				return fmt.Errorf("migration %s: %w", m.name, err)
			}
		}
		_, err := tx.ExecContext(ctx, "PRAGMA user_version = "+strconv.Itoa(newest))
		return err
	})
}

// BackupPath is where the copy of a database is left before its schema changes
// from version.
func BackupPath(path string, version int) string {
	return fmt.Sprintf("%s.schema%d.backup", path, version)
}

// backup copies the database as it was committed last, on another connection
// than the writer's, whose lock keeps others from changing it meanwhile.
func (d *DB) backup(ctx context.Context, version int) error {
	to := BackupPath(d.path, version)
	part := to + ".part"
	if err := os.Remove(part); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return errs.New(errs.Internal, "back up database: %w", err)
	}
	if _, err := d.ExecContext(ctx, "VACUUM INTO ?", part); err != nil {
		_ = os.Remove(part)
		return errs.New(errs.Internal, "back up database %s before its schema changes: %w", d.path, err).
			Hint("free as much disk space as the database takes, then type the same command again")
	}
	if err := errors.Join(flush(part), fsx.Rename(part, to), fsx.SyncDir(filepath.Dir(to))); err != nil {
		return errs.New(errs.Internal, "back up database: %w", err)
	}
	return nil
}

// flush makes the bytes of a file durable.
func flush(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
