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
