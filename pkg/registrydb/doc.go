// Package registrydb keeps the registry of models in the database of runs: it is
// registry.Service in SQL, the same text for SQLite and PostgreSQL.
//
// A deleted version stays as a row, so that its number is not used again; a
// deleted model stays as its name and the time, so that older copies of it do not
// come back. A version that was fetched waits when its number is taken by another
// one here: docs/decisions/0008-one-number-one-version.md.
package registrydb
