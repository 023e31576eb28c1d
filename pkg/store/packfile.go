package store

import (
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/mlops-cli/mlops/pkg/fsx"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/pack"
)

// packFile is one pack on the disk. Its index is mapped, its objects are read
// with ReadAt: mapped pages would count as this program's memory.
type packFile struct {
	id   oid.ID
	path string

	once    sync.Mutex
	file    *os.File
	size    int64
	mapping *fsx.Mapping
	index   *pack.Index
}

// open maps the index. It may be called again.
func (p *packFile) open() error {
	p.once.Lock()
	defer p.once.Unlock()
	if p.index != nil {
		return nil
	}
	f, err := os.Open(p.path)
	if err != nil {
		return fmt.Errorf("open pack: %w", err)
	}
	m, err := fsx.Map(f)
	if err != nil {
		return errors.Join(err, f.Close())
	}
	x, err := pack.ParsePack(m.Data)
	if err == nil && x.Pack() != p.id {
		err = fmt.Errorf("%w: it holds pack %s", pack.ErrFormat, x.Pack())
	}
	if err != nil {
		return errors.Join(damaged(p.path, err), m.Close(), f.Close())
	}
	m.Forget() // its check read all of it
	p.file, p.size, p.mapping, p.index = f, int64(len(m.Data)), m, x
	return nil
}

// holds reports whether the entry lies within the file.
func (p *packFile) holds(e pack.Entry) bool {
	f, err := p.handle()
	if err != nil {
		return true // who reads it hears of the error
	}
	p.once.Lock()
	defer p.once.Unlock()
	if p.size == 0 {
		info, err := f.Stat()
		if err != nil {
			return true
		}
		p.size = info.Size()
	}
	return e.Offset >= pack.HeaderSize && e.Stored >= 0 && e.Stored <= p.size-pack.FooterSize-e.Offset
}

// handle is the open file, for ReadAt.
func (p *packFile) handle() (*os.File, error) {
	p.once.Lock()
	defer p.once.Unlock()
	if p.file == nil {
		f, err := os.Open(p.path)
		if err != nil {
			return nil, fmt.Errorf("open pack: %w", err)
		}
		p.file = f
	}
	return p.file, nil
}

func (p *packFile) forget() {
	p.once.Lock()
	defer p.once.Unlock()
	if p.mapping != nil {
		p.mapping.Forget()
	}
}

func (p *packFile) close() error {
	p.once.Lock()
	defer p.once.Unlock()
	var err error
	if p.mapping != nil {
		err = p.mapping.Close()
	}
	if p.file != nil {
		err = errors.Join(err, p.file.Close())
	}
	p.file, p.mapping, p.index = nil, nil, nil
	return err
}
