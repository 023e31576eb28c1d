package transfer

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/fsx"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/pack"
	"github.com/mlops-cli/mlops/pkg/progress"
	"github.com/mlops-cli/mlops/pkg/store"
)

const (
	maxGap      = 1 << 20   // bytes between two wanted objects that are read and thrown away
	maxRange    = 32 << 20  // bytes of a request for several objects
	smallPack   = 1 << 20   // a pack up to this size is fetched whole
	commitBytes = 512 << 20 // bytes between two flushes of the store
	downloads   = 16        // requests at once, where --jobs allows
)

// job is one request: a whole pack, or a range of one.
type job struct {
	pack  oid.ID
	kind  pack.Kind
	size  int64 // of the pack
	whole bool
	wants []pack.Entry // by offset; of a range only
	bytes int64        // of the request

	objects, content int64 // that are wanted, and their bytes
}

// divide groups objects by pack and makes few, not too large requests of them.
// It sorts places.
func divide(places []Place) []job {
	slices.SortFunc(places, func(a, b Place) int {
		return cmp.Or(a.Pack.ID.Compare(b.Pack.ID), cmp.Compare(a.Entry.Offset, b.Entry.Offset))
	})
	var jobs []job
	for len(places) > 0 {
		n := 1
		for n < len(places) && places[n].Pack == places[0].Pack {
			n++
		}
		jobs = append(jobs, ranges(places[:n])...)
		places = places[n:]
	}
	return jobs
}

// ranges makes the requests for objects of one pack.
func ranges(places []Place) []job {
	first := places[0].Pack // of all of them
	var wanted, content int64
	large := false
	for _, p := range places {
		wanted += p.Entry.Stored
		content += p.Entry.Size
		large = large || p.Entry.Stored >= store.LooseSize
	}
	j := job{pack: first.ID, kind: places[0].Kind, size: first.Size}
	if !large && (wanted*10 > first.Size*6 || first.Size <= smallPack) {
		j.whole, j.bytes, j.objects, j.content = true, first.Size, int64(len(places)), content
		return []job{j}
	}
	var jobs []job
	for _, p := range places {
		e := p.Entry
		if n := len(jobs) - 1; n >= 0 {
			last := &jobs[n]
			from := last.wants[0].Offset
			if gap := e.Offset - (from + last.bytes); gap >= 0 && gap <= maxGap && e.Offset+e.Stored-from <= maxRange {
				last.wants = append(last.wants, e)
				last.objects++
				last.content += e.Size
				last.bytes = e.Offset + e.Stored - from
				continue
			}
		}
		next := j
		next.wants, next.bytes, next.objects, next.content = []pack.Entry{e}, e.Stored, 1, e.Size
		jobs = append(jobs, next)
	}
	return jobs
}

// downloader fetches into a batch of the store.
type downloader struct {
	t              *Transfer
	st             *store.Store
	batch          *store.Batch
	task           progress.Task
	verifying      chan struct{} // holds a token for each pack that is verified now
	objects, bytes atomic.Int64
}

func (d *downloader) all(ctx context.Context, jobs []job) error {
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(min(downloads, d.t.b.Jobs()))
	for _, j := range jobs {
		group.Go(func() error {
			if err := gctx.Err(); err != nil {
				return err
			}
			if j.whole {
				return d.pack(gctx, j)
			}
			return d.part(gctx, j)
		})
	}
	return group.Wait()
}

// explain names what is wrong with a pack of the remote.
func (d *downloader) explain(j job, err error) error {
	switch errs.KindOf(err) {
	case errs.NotFound:
		return errs.New(errs.Corrupt, "remote %s has lost pack %s: %w", d.t.name, packKey(j.pack), err).
			Hint("restore it from a backup or the bucket's older versions, or fetch from another remote")
	case errs.Corrupt:
		return errs.New(errs.Corrupt, "remote %s: %w", d.t.name, err).
			Hint("the store of this machine is as it was; push again where the data is, to a new remote")
	default:
		return err
	}
}

// temp makes a file in the store's directory for temporary files.
func (d *downloader) temp() (*os.File, error) {
	return os.CreateTemp(filepath.Join(d.st.Dir(), "tmp"), store.IncomingPrefix+"*")
}

// pack fetches a whole pack and keeps it as it is.
func (d *downloader) pack(ctx context.Context, j job) (err error) {
	f, err := d.temp()
	if err != nil {
		return err
	}
	kept := false
	defer func() {
		if !kept {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	if err := errors.Join(d.copy(ctx, f, packKey(j.pack), 0, j.size), f.Close()); err != nil {
		return d.explain(j, err)
	}
	d.verifying <- struct{}{} // no faster, and an index each in memory, when many are at it
	x, err := verifyPack(ctx, f.Name())
	<-d.verifying
	if err == nil && x.Pack() != j.pack {
		err = errs.New(errs.Corrupt, "it has the trailer of %s", x.Pack())
	}
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return d.explain(j, errs.New(errs.Corrupt, "pack %s is damaged: %w", packKey(j.pack), err))
	}
	if err := d.batch.AdoptPack(f.Name()); err != nil {
		return err
	}
	kept = true
	d.done(j, x.Len())
	return nil
}

// done counts the objects that a request brought.
func (d *downloader) done(j job, objects int) {
	d.objects.Add(int64(objects))
	d.bytes.Add(j.bytes)
	d.task.Add(j.objects, j.content)
}

// copy writes n bytes of key to f, and to extra.
func (d *downloader) copy(ctx context.Context, f *os.File, key string, off, n int64, extra ...io.Writer) (err error) {
	r, err := d.t.b.Get(ctx, key, off, n)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	buf := make([]byte, 1<<20)
	var done int64
	for done < n {
		k, err := io.ReadFull(r, buf[:min(int64(len(buf)), n-done)])
		if err != nil {
			return fmt.Errorf("read %s: %w", key, err)
		}
		for _, w := range extra {
			if _, err := w.Write(buf[:k]); err != nil {
				return err
			}
		}
		if _, err := f.Write(buf[:k]); err != nil {
			return err
		}
		_ = fsx.StartFlush(f, done, int64(k)) // advice only
		done += int64(k)
	}
	return nil
}

// part fetches a range and takes its objects one by one.
func (d *downloader) part(ctx context.Context, j job) (err error) {
	if len(j.wants) == 1 && j.wants[0].Stored >= largeSize {
		return d.large(ctx, j)
	}
	at := j.wants[0].Offset
	body := io.NopCloser(bytes.NewReader(nil))
	if j.bytes > 0 { // not for an empty object alone
		if body, err = d.t.b.Get(ctx, packKey(j.pack), at, j.bytes); err != nil {
			return d.explain(j, err)
		}
	}
	defer func() { err = errors.Join(err, body.Close()) }()
	r := bufio.NewReaderSize(body, 256<<10)
	var buf []byte
	for _, e := range j.wants {
		if _, err := io.CopyN(io.Discard, r, e.Offset-at); err != nil {
			return d.explain(j, fmt.Errorf("read %s: %w", packKey(j.pack), err))
		}
		buf = slices.Grow(buf[:0], int(e.Stored))[:e.Stored]
		if _, err := io.ReadFull(r, buf); err != nil {
			return d.explain(j, fmt.Errorf("read %s: %w", packKey(j.pack), err))
		}
		at = e.Offset + e.Stored
		if err := d.keep(j, e, buf); err != nil {
			return err
		}
	}
	d.done(j, len(j.wants))
	return nil
}

func (d *downloader) keep(j job, e pack.Entry, data []byte) error {
	if got := oid.Sum(data); got != e.ID {
		return d.explain(j, errs.New(errs.Corrupt, "object %s in pack %s is damaged: its SHA-256 is %s", e.ID, packKey(j.pack), got))
	}
	put := d.batch.PutBytes
	if j.kind == pack.Tree {
		put = d.batch.PutTree
	}
	_, err := put(data)
	return err
}

// large streams one object to a file, which the store then takes.
func (d *downloader) large(ctx context.Context, j job) (err error) {
	e := j.wants[0]
	f, err := d.temp()
	if err != nil {
		return err
	}
	kept := false
	defer func() {
		if !kept {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	h := oid.NewHash()
	if err := errors.Join(d.copy(ctx, f, packKey(j.pack), e.Offset, e.Stored, h), f.Close()); err != nil {
		return d.explain(j, err)
	}
	if got := oid.FromHash(h); got != e.ID {
		return d.explain(j, errs.New(errs.Corrupt, "object %s in pack %s is damaged: its SHA-256 is %s", e.ID, packKey(j.pack), got))
	}
	if err := d.batch.AdoptObject(f.Name(), e.ID); err != nil {
		return err
	}
	kept = true
	d.done(j, len(j.wants))
	return nil
}
