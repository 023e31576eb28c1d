package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"

	"github.com/mlops-cli/mlops/pkg/errs"
)

// maxGroup is how many requests share a commit at most.
const maxGroup = 256

// pinAfter is how many commits of a process make it one that keeps a connection
// and its statements for writing. Short commands never come so far.
const pinAfter = 8

// group is the writers of one process that share commits. The first that comes
// leads: it runs what waits in one transaction and commits once for all. Who
// came meanwhile is the next group.
type group struct {
	mu      sync.Mutex
	leading bool
	waiting []*request

	// Only the leader touches these.
	commits  int
	pinned   *sql.Conn
	prepared map[string]*sql.Stmt
	memory   map[any]any // see Tx.Memory
	version  int64       // of the data, when the last transaction of the pinned connection began
}

type request struct {
	ctx  context.Context
	fn   func(*Tx) error
	err  error
	done chan bool // true: it was answered; false: it leads the next group
}

// Update runs fn in a transaction and returns when what it wrote is durable.
// Requests of other goroutines may share the transaction and its flush; an
// error of fn, or a done ctx, undoes what fn did and nothing else. On a server
// of its own, which groups by itself, fn runs again when another transaction
// got in its way: it must set anew whatever it changes outside of the database.
func (d *DB) Update(ctx context.Context, fn func(*Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if d.dialect == Postgres {
		return d.updateAlone(ctx, fn)
	}
	g := &d.group
	r := &request{ctx: ctx, fn: fn, done: make(chan bool, 1)}
	g.mu.Lock()
	g.waiting = append(g.waiting, r)
	leads := !g.leading
	g.leading = true
	g.mu.Unlock()
	if !leads {
		answered, err := g.wait(r)
		if answered || err != nil {
			return errors.Join(err, d.explain(r.err))
		}
	}
	d.lead()
	return d.explain(r.err)
}

// wait waits until r is answered or is to lead. A request whose context ends
// before its turn leaves.
func (g *group) wait(r *request) (answered bool, err error) {
	select {
	case answered = <-r.done:
		return answered, nil
	case <-r.ctx.Done():
	}
	g.mu.Lock()
	for i, w := range g.waiting {
		if w == r {
			g.waiting = append(g.waiting[:i:i], g.waiting[i+1:]...)
			g.mu.Unlock()
			select {
			case <-r.done: // it was just made to lead
				g.pass()
			default:
			}
			return true, r.ctx.Err()
		}
	}
	g.mu.Unlock()
	return <-r.done, nil
}

// pass makes the next that waits the leader.
func (g *group) pass() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.waiting) == 0 {
		g.leading = false
		return
	}
	g.waiting[0].done <- false
}

// take removes up to n requests from those that wait.
func (g *group) take(n int) []*request {
	g.mu.Lock()
	defer g.mu.Unlock()
	n = min(n, len(g.waiting))
	taken := g.waiting[:n:n]
	g.waiting = g.waiting[n:]
	return taken
}

// lead answers one group; its first is the caller's request.
func (d *DB) lead() {
	g := &d.group
	members := g.take(maxGroup)
	d.commit(members)
	for _, r := range members[1:] {
		r.done <- true
	}
	g.pass()
}

// commit runs the members in as few transactions as there must be.
func (d *DB) commit(members []*request) {
	for len(members) > 0 {
		done, err := d.commitSome(members)
		for _, r := range members[:done] {
			if err != nil {
				r.err = err
			}
		}
		members = members[done:]
	}
}

// commitSome runs members in one transaction and says how many that were; err is
// what befell all of them. The first needs no savepoint: when it fails, nothing
// else was done.
func (d *DB) commitSome(members []*request) (done int, err error) {
	ctx := context.WithoutCancel(members[0].ctx)
	c, release, err := d.writer(ctx)
	if err != nil {
		return len(members), err
	}
	defer func() { release(err) }()
	tx := &Tx{on: c, dialect: d.dialect, prepared: d.group.prepared}
	if tx.prepared == nil { // for this transaction
		tx.prepared = map[string]*sql.Stmt{}
		defer closeAll(tx.prepared)
	}
	exec := func(query string) error {
		_, err := tx.ExecContext(ctx, query)
		return err
	}
	if err := patiently(ctx, func() error { return exec("BEGIN IMMEDIATE") }); err != nil {
		return len(members), err
	}
	if c == d.group.pinned {
		if err := d.group.renew(ctx, tx); err != nil {
			return len(members), errors.Join(err, exec("ROLLBACK"))
		}
	}
	for i, r := range members {
		if i > 0 {
			if err := exec("SAVEPOINT r"); err != nil {
				return len(members), errors.Join(err, exec("ROLLBACK"))
			}
		}
		r.err = call(r, tx)
		if r.err != nil {
			clear(tx.memory)
		}
		switch {
		case i == 0 && r.err != nil:
			if err := exec("ROLLBACK"); err != nil && code(r.err) == 0 {
				return 1, errors.Join(r.err, err)
			}
			return 1, nil
		case i > 0 && r.err != nil:
			if err := exec("ROLLBACK TO r"); err != nil { // SQLite gave up the whole transaction
				return len(members), errors.Join(r.err, exec("ROLLBACK"))
			}
			fallthrough
		case i > 0:
			if err := exec("RELEASE r"); err != nil {
				return len(members), errors.Join(err, exec("ROLLBACK"))
			}
		}
	}
	if err := exec("COMMIT"); err != nil {
		return len(members), errors.Join(err, exec("ROLLBACK"))
	}
	d.counted(len(members))
	return len(members), nil
}

// call runs one request; a panic is its error, for the others go on.
func call(r *request, tx *Tx) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = errs.New(errs.Internal, "panic in a transaction: %v\n%s", p, debug.Stack())
		}
	}()
	if err := r.ctx.Err(); err != nil {
		return err
	}
	if err := r.fn(tx); err != nil {
		return err
	}
	return r.ctx.Err()
}

// writer returns the connection to write on.
func (d *DB) writer(ctx context.Context) (c *sql.Conn, release func(error), err error) {
	g := &d.group
	g.commits++
	if g.pinned == nil {
		if c, err = d.Conn(ctx); err != nil {
			return nil, nil, err
		}
		if g.commits < pinAfter {
			return c, func(error) { _ = c.Close() }, nil // back into the pool
		}
		g.pinned, g.prepared, g.memory = c, map[string]*sql.Stmt{}, map[any]any{}
	}
	return g.pinned, func(err error) {
		if err != nil {
			g.unpin()
		}
	}, nil
}

// renew gives a transaction the memory, unless another connection wrote.
func (g *group) renew(ctx context.Context, tx *Tx) error {
	var version int64
	if err := tx.QueryRowContext(ctx, "PRAGMA data_version").Scan(&version); err != nil {
		return err
	}
	if version != g.version {
		clear(g.memory)
		g.version = version
	}
	tx.memory = g.memory
	return nil
}

func (g *group) unpin() {
	if g.pinned != nil {
		closeAll(g.prepared)
		_ = g.pinned.Close()
		g.pinned, g.prepared, g.memory, g.commits = nil, nil, nil, 0
	}
}

// Close ends all connections. No Update may be under way.
func (d *DB) Close() error {
	d.group.mu.Lock()
	defer d.group.mu.Unlock()
	if !d.group.leading {
		d.group.unpin()
	}
	d.reads.close()
	return d.DB.Close()
}

// updateAlone runs fn in a transaction of its own.
func (d *DB) updateAlone(ctx context.Context, fn func(*Tx) error) error {
	for attempt := 1; ; attempt++ {
		err := d.tryAlone(ctx, fn)
		if err == nil {
			d.counted(1)
		}
		if err == nil || !again(err) || attempt == 20 {
			return d.explain(err)
		}
		if err := pause(ctx, attempt); err != nil {
			return err
		}
	}
}

func (d *DB) tryAlone(ctx context.Context, fn func(*Tx) error) (err error) {
	tx, err := d.BeginTx(context.WithoutCancel(ctx), nil)
	if err != nil {
		return err
	}
	defer func() {
		if p := recover(); p != nil {
			err = errs.New(errs.Internal, "panic in a transaction: %v\n%s", p, debug.Stack())
		}
		if err != nil {
			if rerr := tx.Rollback(); rerr != nil && !errors.Is(rerr, sql.ErrTxDone) {
				err = fmt.Errorf("%w (undo: %w)", err, rerr)
			}
		}
	}()
	if err := fn(&Tx{on: tx, dialect: d.dialect}); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return tx.Commit()
}
