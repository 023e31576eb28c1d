package workspace

import (
	"context"
	"sync"
)

// bufferSize is the size of a worker's buffer: files up to it are read whole.
const bufferSize = 256 << 10

// worker is one goroutine of a pool and its buffer.
type worker struct {
	buf  []byte
	path string // of the file that it takes; set where somebody sees what is read
}

// pool runs tasks, which may add tasks. The newest is run first, so that few
// are waiting whatever their number.
type pool struct {
	ctx  context.Context //nolint:containedctx // a pool lives within one call
	mu   sync.Mutex
	cond *sync.Cond
	todo []func(*worker) error
	busy int // tasks that run
	err  error
}

func newPool(ctx context.Context) *pool {
	p := &pool{ctx: ctx}
	p.cond = sync.NewCond(&p.mu)
	return p
}

// add has task run by some worker, later.
func (p *pool) add(task func(*worker) error) {
	p.mu.Lock()
	p.todo = append(p.todo, task)
	p.mu.Unlock()
	p.cond.Signal()
}

// run runs tasks with n workers until none is left, one fails or the context is
// done.
func (p *pool) run(n int) error {
	stop := context.AfterFunc(p.ctx, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.err == nil {
			p.err = p.ctx.Err()
		}
		p.cond.Broadcast()
	})
	defer stop()
	var wg sync.WaitGroup
	for range n {
		wg.Go(p.work)
	}
	wg.Wait()
	return p.err
}

func (p *pool) work() {
	w := &worker{}
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		for len(p.todo) == 0 && p.busy > 0 && p.err == nil {
			p.cond.Wait()
		}
		if len(p.todo) == 0 || p.err != nil {
			p.cond.Broadcast()
			return
		}
		last := len(p.todo) - 1
		task := p.todo[last]
		p.todo[last] = nil
		p.todo = p.todo[:last]
		p.busy++
		p.mu.Unlock()
		err := task(w)
		p.mu.Lock()
		p.busy--
		if err != nil && p.err == nil {
			p.err = err
		}
	}
}

// buffer is the worker's own, of bufferSize+1 bytes.
func (w *worker) buffer() []byte {
	if w.buf == nil {
		w.buf = make([]byte, bufferSize+1)
	}
	return w.buf
}
