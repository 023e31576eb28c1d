// Package dbtest opens databases for tests: SQLite files, and schemas of a
// PostgreSQL server that it starts once for the tests of a package.
//
// The server is the one of Debian's package, or the one that
// MLOPS_TEST_POSTGRES names by its URL. Without one those tests are skipped, and
// fail where MLOPS_TEST_MUST_RUN lists postgres. A package that uses it calls
// Main from its TestMain.
package dbtest
