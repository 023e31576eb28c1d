package remote

import (
	"context"
	"crypto/rand"
	"errors"

	"github.com/mlops-cli/mlops/pkg/errs"
)

// Probe writes, reads, lists and deletes one small object, and finds out
// whether put-if-absent really fails where the key exists. Some services take
// the condition and ignore it: two pushes at once would then lose one.
func Probe(ctx context.Context, b Bucket) (err error) {
	key := "probe/" + rand.Text()
	first, second := []byte("mlops probe 1"), []byte("mlops probe two")
	if err := b.Put(ctx, key, int64(len(first)), Bytes(first), PutOptions{IfAbsent: true}); err != nil {
		return errs.New(kind(err), "write a probe: %w", err)
	}
	defer func() {
		if derr := b.Delete(context.WithoutCancel(ctx), key); derr != nil {
			err = errors.Join(err, errs.New(kind(derr), "delete the probe %s: %w", key, derr))
		}
	}()
	switch err := b.Put(ctx, key, int64(len(second)), Bytes(second), PutOptions{IfAbsent: true}); {
	case err == nil:
		return errs.New(errs.Remote, "this service ignores If-None-Match: two pushes at once could lose one of them").
			Hint("use a newer version of the service, or one that has conditional writes").
			Hint("to use it all the same, with one person pushing at a time, add --no-check")
	case !errs.Is(err, errs.Conflict):
		return errs.New(kind(err), "write only where nothing is: %w", err)
	}
	got, err := ReadAll(ctx, b, key, int64(len(second)))
	if err != nil {
		return errs.New(kind(err), "read the probe back: %w", err)
	}
	if string(got) != string(first) {
		return errs.New(errs.Remote, "a refused write changed the object: this service cannot be used")
	}
	page, _, err := b.List(ctx, key, "")
	if err != nil {
		return errs.New(kind(err), "list the probe: %w", err)
	}
	if len(page) != 1 || page[0].Key != key {
		return errs.New(errs.Remote, "an object that was just written is not listed: this service cannot be used")
	}
	return nil
}

func kind(err error) errs.Kind {
	if k := errs.KindOf(err); k == errs.Canceled || k == errs.Usage {
		return k
	}
	return errs.Remote
}
