// Package errs holds the errors that a user sees: a kind, what was being done
// with what and why it failed, and hints that say what to type next.
//
// A kind decides the exit code of the program, the HTTP status of the server
// and the machine-readable name in JSON; the one table of those is in kind.go.
package errs
