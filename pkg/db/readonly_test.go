package db

import (
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"
)

// A database that may not be written is opened for queries; nothing is made
// beside it.
func TestOpensToReadWhatItMayNotWrite(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	path := filepath.Join(t.TempDir(), "index.db")
	o := Options{Migrations: fstest.MapFS{"0001_a.sql": {Data: []byte("CREATE TABLE a (b); INSERT INTO a VALUES (7)")}}}
	d, err := Open(ctx, path, o)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	ro, err := sql.Open("sqlite", "file:"+filepath.ToSlash(path)+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	_, cause := ro.ExecContext(ctx, "DELETE FROM a")
	if err := ro.Close(); err != nil {
		t.Fatal(err)
	}
	if cause == nil {
		t.Fatal("a read-only connection wrote")
	}
	for _, suffix := range []string{"-wal", "-shm"} { // that connection may write the directory
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
	}
	d, err = openToRead(ctx, path, o, cause)
	if err != nil {
		t.Fatal(err)
	}
	var got int
	if err := d.QueryRowContext(ctx, "SELECT b FROM a").Scan(&got); err != nil || got != 7 {
		t.Errorf("read %d, %v", got, err)
	}
	if _, err := d.ExecContext(ctx, "DELETE FROM a"); err == nil {
		t.Error("it was written to")
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	if beside, err := filepath.Glob(path + "-*"); err != nil || len(beside) > 0 {
		t.Errorf("left beside it: %v %v", beside, err)
	}
	// One of an older program would have to be changed: it is refused.
	o.Migrations = fstest.MapFS{"0001_a.sql": {Data: []byte("")}, "0002_b.sql": {Data: []byte("CREATE TABLE c (d)")}}
	if _, err := openToRead(ctx, path, o, cause); err == nil {
		t.Error("an older database was opened")
	}
}
