// Package db opens the SQLite files of a repository and brings their schema up
// to date. It is the only importer of the SQLite driver.
//
// A repository has two: index.db is truth (runs, params, metrics, events, what
// stages made) and is never thrown away; cache.db is derived (stat cache, what
// was seen of remotes) and may be deleted at any time.
//
// A migration is a numbered SQL file; a schema's version, PRAGMA user_version,
// is the number of the last one applied. Migrations only go forward; a database
// of a newer program is refused.
package db
