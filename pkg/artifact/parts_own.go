package artifact

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/fsx"
	"github.com/mlops-cli/mlops/pkg/oid"
)

// ownParts are parts that one server keeps, as files in its spool.
type ownParts struct {
	spool *Spool

	mu  sync.Mutex
	all map[string]ownUpload
}

type ownUpload struct {
	upload

	dir string
}

func (o *ownParts) begin(_ context.Context, id string, up upload) error {
	base, err := o.spool.Dir()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp(base, "parts-*")
	if err != nil {
		return errs.New(errs.Internal, "receive artifact: %w", err)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.all[id] = ownUpload{up, dir}
	return nil
}

func (o *ownParts) expire(_ context.Context, before time.Time) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	var all error
	for id, up := range o.all {
		if up.Begun.Before(before) {
			delete(o.all, id)
			all = errors.Join(all, os.RemoveAll(up.dir))
		}
	}
	if all == nil && len(o.all) >= maxUploads {
		return errs.New(errs.Conflict, "%d uploads have begun and not ended", len(o.all)).
			Hint("complete or abort those, or restart the server")
	}
	return all
}

func (o *ownParts) look(id string) (ownUpload, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	up, ok := o.all[id]
	if !ok {
		return up, noUpload()
	}
	return up, nil
}

func (o *ownParts) find(_ context.Context, id string) (upload, error) {
	up, err := o.look(id)
	return up.upload, err
}

func (o *ownParts) put(ctx context.Context, id string, number int, r io.Reader) (string, error) {
	up, err := o.look(id)
	if err != nil {
		return "", err
	}
	f, err := os.CreateTemp(up.dir, "part-*")
	if err != nil {
		return "", errs.New(errs.Internal, "receive artifact: %w", err)
	}
	sum, _, err := stream(ctx, f, nil, r)
	tag := sum.String()
	if err = errors.Join(err, f.Close()); err == nil {
		err = fsx.Rename(f.Name(), up.file(Part{number, tag}))
	}
	if err != nil {
		return "", errors.Join(err, remove(f.Name()))
	}
	return tag, nil
}

func remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// file is where a part stands. Its tag is an id, which has been checked.
func (up ownUpload) file(p Part) string { return filepath.Join(up.dir, partName(p)) }

// partName names a part with a tag: one that was sent twice with other bytes is
// there twice, and what the client names counts.
func partName(p Part) string { return fmt.Sprintf("%05d-%s", p.Number, p.Tag) }

// isTag reports whether a client's tag can be one of ours.
func isTag(tag string) bool {
	_, err := oid.Parse(tag)
	return err == nil
}

func (o *ownParts) has(_ context.Context, id string, p Part) (bool, error) {
	up, err := o.look(id)
	if err != nil || !isTag(p.Tag) {
		return false, err
	}
	_, err = os.Stat(up.file(p))
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

func (o *ownParts) open(_ context.Context, id string, p Part) (io.ReadCloser, error) {
	up, err := o.look(id)
	if err != nil {
		return nil, err
	}
	return os.Open(up.file(p))
}

func (o *ownParts) end(_ context.Context, id string) error {
	o.mu.Lock()
	up, ok := o.all[id]
	delete(o.all, id)
	o.mu.Unlock()
	if !ok {
		return nil
	}
	if err := os.RemoveAll(up.dir); err != nil {
		return errs.New(errs.Internal, "end upload: %w", err)
	}
	return nil
}
