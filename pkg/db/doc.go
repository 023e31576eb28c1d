// Package db opens the SQLite files of a repository and the PostgreSQL database of
// a server, and brings their schema up to date. It is the only importer of their
// drivers.
//
// A repository has two files: index.db is truth (runs, params, metrics, events,
// what stages made) and is never thrown away; cache.db is derived (stat cache,
// what was seen of remotes) and may be deleted at any time. A PostgreSQL database
// has the tables of index.db that are not bound to a repository.
//
// A migration is a numbered SQL file; a schema's version (PRAGMA user_version, or
// the table mlops_schema) is the number of the last one applied. Migrations only
// go forward, after a copy was left of what was there; a database of a newer
// program is refused.
//
// One text of SQL serves both databases; a Dialect is what differs. Writers of one
// process share commits: see DB.Update.
package db
