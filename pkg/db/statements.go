package db

import (
	"context"
	"database/sql"
	"maps"
	"sync"
)

// maxStatements bounds how many texts of readers are remembered.
const maxStatements = 100

// statements are queries of readers that were prepared: SQLite takes longer to
// read the text of most than to answer them. A text that is new is only noted,
// for most are run once in a short command. PostgreSQL's driver does the like.
type statements struct {
	mu    sync.Mutex
	known map[string]*sql.Stmt // nil for one that was run once
}

// of returns the statement for a query that was run before, nil for one that is
// new.
func (s *statements) of(ctx context.Context, pool *sql.DB, query string) (*sql.Stmt, error) {
	s.mu.Lock()
	known, seen := s.known[query]
	if !seen {
		s.note(query)
	}
	s.mu.Unlock()
	if known != nil || !seen {
		return known, nil
	}
	// Without the lock: this waits for a free connection.
	fresh, err := pool.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if known := s.known[query]; known != nil { // somebody was faster
		return known, fresh.Close() //nolint:sqlclosecheck // the other is kept
	}
	if s.known == nil { // the database was closed
		return nil, fresh.Close()
	}
	s.known[query] = fresh
	return fresh, nil
}

func (s *statements) note(query string) {
	if s.known == nil {
		s.known = map[string]*sql.Stmt{}
	}
	if len(s.known) >= maxStatements {
		maps.DeleteFunc(s.known, func(_ string, s *sql.Stmt) bool { return s == nil })
	}
	if len(s.known) < maxStatements {
		s.known[query] = nil
	}
}

// close closes all of them.
func (s *statements) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	closeAll(s.known)
	s.known = nil
}
