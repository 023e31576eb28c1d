package archive

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/fault"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/store"
)

// Taken counts what Read took in.
type Taken struct {
	Runs    int   `json:"runs"`  // in the archive
	Added   int   `json:"added"` // of them, not known before
	Objects int64 `json:"objects"`
}

// atOnce is how many records go into one transaction.
const atOnce = 500

// largest is up to how many bytes a node or a record may have.
const largest = 1 << 30

// Read takes in an archive, which may be compressed with gzip. Objects are
// durable before a run names them; what was taken in before an error stays and
// is found again.
func Read(ctx context.Context, in io.Reader, st *store.Store, runs Runs) (done Taken, err error) {
	source := bufio.NewReaderSize(in, 1<<20)
	var plain io.Reader = source
	if magic, _ := source.Peek(2); string(magic) == "\x1f\x8b" {
		if plain, err = gzip.NewReader(source); err != nil {
			return done, damaged(err)
		}
	}
	batch, err := st.NewBatch(ctx)
	if err != nil {
		return done, err
	}
	defer func() { err = errors.Join(err, batch.Close()) }()
	r := reader{in: tar.NewReader(plain), batch: batch, tmp: filepath.Join(st.Dir(), "tmp")}
	if err := r.head(); err != nil {
		return done, err
	}
	var records [][]byte
	for {
		if err := ctx.Err(); err != nil {
			return done, err
		}
		record, more, err := r.next(&done)
		if err != nil {
			return done, err
		}
		if !more {
			break
		}
		if record != nil {
			records = append(records, record)
		}
	}
	if err := batch.Commit(); err != nil {
		return done, err
	}
	if err := fault.At(ctx, "archive.stored"); err != nil {
		return done, err
	}
	for len(records) > 0 {
		n := min(len(records), atOnce)
		added, err := runs.Import(ctx, records[:n]...)
		if err != nil {
			return done, err
		}
		done.Added, records = done.Added+added, records[n:]
	}
	return done, fault.At(ctx, "archive.recorded")
}

func damaged(err error) error {
	return errs.New(errs.Corrupt, "read archive: %w", err).Hint("it is cut off or no archive of 'mlops runs export': copy it again")
}

type reader struct {
	in    *tar.Reader
	batch *store.Batch
	tmp   string
}

// head checks what kind of file it is.
func (r *reader) head() error {
	h, err := r.in.Next()
	if err != nil {
		return damaged(err)
	}
	text, err := io.ReadAll(io.LimitReader(r.in, 256))
	if err != nil {
		return damaged(err)
	}
	switch {
	case h.Name != headName:
		return damaged(fmt.Errorf("it begins with %q, not with %s", h.Name, headName))
	case string(text) != headText:
		return errs.New(errs.Usage, "read archive: it has another format: %q", strings.TrimSpace(string(text))).Hint("use the newer mlops that wrote it")
	}
	return nil
}

// next takes in an entry, or returns it when it is a record.
func (r *reader) next(done *Taken) (record []byte, more bool, err error) {
	h, err := r.in.Next()
	if errors.Is(err, io.EOF) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, damaged(err)
	}
	dir, name, _ := strings.Cut(h.Name, "/")
	switch {
	case h.Typeflag != tar.TypeReg:
		return nil, false, damaged(fmt.Errorf("%q is no file", h.Name))
	case dir+"/" == objectsDir:
		done.Objects++
		return nil, true, r.object(name, h.Size)
	case h.Size > largest:
		return nil, false, damaged(fmt.Errorf("%q has %d bytes", h.Name, h.Size))
	}
	text, err := io.ReadAll(r.in)
	if err != nil {
		return nil, false, damaged(err)
	}
	switch dir + "/" {
	case treesDir:
		id, err := r.batch.PutTree(text)
		return nil, true, check(name, id, err)
	case runsDir:
		done.Runs++
		return text, true, nil
	}
	return nil, false, damaged(fmt.Errorf("%q does not belong into it", h.Name))
}

// object stores an entry; a large one does not go through memory.
func (r *reader) object(name string, size int64) error {
	if size < store.LooseSize {
		text, err := io.ReadAll(r.in)
		if err != nil {
			return damaged(err)
		}
		id, err := r.batch.PutBytes(text)
		return check(name, id, err)
	}
	f, err := os.CreateTemp(r.tmp, store.IncomingPrefix+"*")
	if err != nil {
		return fmt.Errorf("import object: %w", err)
	}
	defer func() { _ = errors.Join(f.Close(), os.Remove(f.Name())) }()
	if _, err := io.Copy(f, r.in); errors.Is(err, io.ErrUnexpectedEOF) {
		return damaged(err)
	} else if err != nil {
		return fmt.Errorf("import object %s: %w", name, err)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("import object: %w", err)
	}
	id, err := r.batch.PutFile(f, size)
	return check(name, id, err)
}

func check(name string, id oid.ID, err error) error {
	if err == nil && id.String() != name {
		return damaged(fmt.Errorf("object %s has the content of %s", name, id))
	}
	return err
}
