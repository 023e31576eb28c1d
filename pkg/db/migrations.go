package db

import (
	"embed"
	"io/fs"
)

//go:embed migrations
var migrations embed.FS

// Index holds the migrations of index.db.
func Index() (fs.FS, error) { return fs.Sub(migrations, "migrations/index") }

// Cache holds the migrations of cache.db.
func Cache() (fs.FS, error) { return fs.Sub(migrations, "migrations/cache") }

// ServerSchema holds the migrations of a PostgreSQL database that a server
// keeps runs and models in. Its numbers are those of index.db, of which it has
// the tables that are not bound to a repository.
func ServerSchema() (fs.FS, error) { return fs.Sub(migrations, "migrations/postgres") }
