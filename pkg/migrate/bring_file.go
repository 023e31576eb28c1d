package migrate

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/mlops-cli/mlops/pkg/dvc"
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/fsx"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/store"
)

// file stores one file.
func (b *bringer) file(ctx context.Context, s dvc.Sum) (piece, error) {
	b.mu.Lock()
	p, ok := b.known[s]
	b.mu.Unlock()
	if ok {
		return p, nil
	}
	var err error
	if name := cached(b.caches, s); name != "" {
		p, err = b.fromCache(name, s)
	} else if b.remote != nil {
		p, err = b.fromRemote(ctx, s)
	} else {
		err = errAbsent
	}
	if err != nil {
		return p, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.known == nil {
		b.known = map[dvc.Sum]piece{}
	}
	b.known[s] = p
	b.objects++
	b.bytes += p.size
	if b.task != nil {
		b.task.Add(1, p.size)
	}
	return p, nil
}

func wrong(s dvc.Sum, where string) error {
	return errs.New(errs.Corrupt, "%s is damaged: its content has another sum than its name", where).
		Hint("remove it, and fetch it again: dvc fetch; its sum is %s", s.Hex)
}

// fromCache stores a file of a cache: a large one by a link that shares its
// blocks, or its inode where both may only be read.
func (b *bringer) fromCache(name string, s dvc.Sum) (p piece, err error) {
	f, err := os.Open(name)
	if err != nil {
		return p, errs.New(errs.Internal, "read DVC's cache: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return p, err
	}
	p.size = info.Size()
	if p.size < store.LooseSize {
		data, err := io.ReadAll(io.LimitReader(f, store.LooseSize))
		if err != nil {
			return p, errs.New(errs.Internal, "read DVC's cache: %w", err)
		}
		return b.putBytes(data, s, name)
	}
	sum, id := dvc.Hash(s.Algorithm), oid.NewHash()
	if p.size, err = io.Copy(io.MultiWriter(sum, id), f); err != nil {
		return p, errs.New(errs.Internal, "read DVC's cache: %w", err)
	}
	if hex.EncodeToString(sum.Sum(nil)) != s.Hex {
		return p, wrong(s, name)
	}
	p.id = oid.FromHash(id)
	if b.onlyIDs || b.store.Has(p.id) {
		return p, nil
	}
	if tmp, ok := b.link(name, info); ok {
		if err := b.batch.AdoptObject(tmp, p.id); err != nil {
			return p, errors.Join(err, os.Remove(tmp))
		}
		b.mu.Lock()
		b.linked += p.size
		b.mu.Unlock()
		return p, nil
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return p, err
	}
	id2, err := b.batch.PutFile(f, p.size)
	if err == nil && id2 != p.id {
		err = errs.New(errs.Conflict, "%s changed while it was read", name)
	}
	return p, err
}

// link makes a file in the store's tmp directory that shares the bytes of a
// cached one. A hard link is made only to what nobody may write: then it is safe
// as long as DVC's own cache is.
func (b *bringer) link(name string, info os.FileInfo) (string, bool) {
	dir := filepath.Join(b.store.Dir(), "tmp")
	tmp := filepath.Join(dir, fmt.Sprintf("%s%d-%d", store.IncomingPrefix, os.Getpid(), b.links.Add(1)))
	if err := fsx.Clone(tmp, name); err == nil {
		return tmp, os.Chmod(tmp, 0o444) == nil
	}
	if info.Mode().Perm()&0o222 != 0 {
		return "", false
	}
	if err := os.Link(name, tmp); err != nil {
		return "", false
	}
	// What was hashed and what was linked must be one file.
	there, err := os.Stat(tmp)
	if err != nil || !os.SameFile(there, info) || there.Size() != info.Size() || !there.ModTime().Equal(info.ModTime()) {
		if err := os.Remove(tmp); err != nil {
			return "", false
		}
		return "", false
	}
	return tmp, true
}

func (b *bringer) putBytes(data []byte, s dvc.Sum, where string) (piece, error) {
	sum, err := dvc.SumOf(s.Algorithm, bytes.NewReader(data))
	if err != nil {
		return piece{}, err
	}
	if sum.Hex != s.Hex {
		return piece{}, wrong(s, where)
	}
	id, err := b.batch.PutBytes(data)
	return piece{id, int64(len(data))}, err
}

// bytesOf reads a manifest.
func (b *bringer) bytesOf(ctx context.Context, s dvc.Sum) ([]byte, error) {
	text, made := b.extra[s]
	if made {
		return text, nil
	}
	if name := cached(b.caches, s); name != "" {
		var err error
		if text, err = os.ReadFile(name); err != nil {
			return nil, errs.New(errs.Internal, "read DVC's cache: %w", err)
		}
	} else {
		body, err := b.openRemote(ctx, s)
		if err != nil {
			return nil, err
		}
		text, err = io.ReadAll(body)
		if err = errors.Join(err, body.Close()); err != nil {
			return nil, errs.New(errs.Remote, "fetch %s: %w", s.Hex, err)
		}
	}
	sum, err := dvc.SumOf(dvc.MD5, bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	if sum.Hex+dvc.DirSuffix != s.Hex {
		return nil, wrong(s, s.Key())
	}
	return text, nil
}

func (b *bringer) openRemote(ctx context.Context, s dvc.Sum) (io.ReadCloser, error) {
	if b.remote == nil {
		return nil, errAbsent
	}
	for _, key := range keys(s) {
		body, err := b.remote.Get(ctx, key, 0, -1)
		if errs.Is(err, errs.NotFound) {
			continue
		}
		return body, err
	}
	return nil, errAbsent
}

// fromRemote fetches a file, through a temporary one.
func (b *bringer) fromRemote(ctx context.Context, s dvc.Sum) (p piece, err error) {
	body, err := b.openRemote(ctx, s)
	if err != nil {
		return p, err
	}
	defer func() { err = errors.Join(err, body.Close()) }()
	tmp, err := os.CreateTemp(filepath.Join(b.store.Dir(), "tmp"), store.IncomingPrefix+"*")
	if err != nil {
		return p, errs.New(errs.Internal, "fetch %s: %w", s.Hex, err)
	}
	defer func() { err = errors.Join(err, tmp.Close(), os.Remove(tmp.Name())) }()
	sum := dvc.Hash(s.Algorithm)
	if p.size, err = io.Copy(io.MultiWriter(tmp, sum), body); err != nil {
		return p, errs.New(errs.Remote, "fetch %s: %w", s.Hex, err)
	}
	if hex.EncodeToString(sum.Sum(nil)) != s.Hex {
		return p, wrong(s, "the object "+s.Key()+" of DVC's remote")
	}
	if _, err := tmp.Seek(0, io.SeekStart); err != nil {
		return p, err
	}
	p.id, err = b.batch.PutFile(tmp, p.size)
	b.mu.Lock()
	b.fetched += p.size
	b.mu.Unlock()
	return p, err
}
