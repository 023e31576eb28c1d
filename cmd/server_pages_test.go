package cmd

import "testing"

// TestDatabaseName: titles of pages have no user, host and options.
func TestDatabaseName(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"postgres://ada@db.example.com:5432/runs?sslmode=require": "runs",
		"postgres:///runs?host=/tmp/pg":                           "runs",
		"postgres://db.example.com":                               "postgres://db.example.com",
	} {
		if got := databaseName(address); got != want {
			t.Errorf("%s: %q, want %q", address, got, want)
		}
	}
}
