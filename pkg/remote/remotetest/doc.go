// Package remotetest tests remotes: a suite that every driver must pass, a
// bucket that fails on purpose, and real servers on loopback. It is imported by
// tests only.
//
// The servers written in Go are built from the module in tools/ on first use and
// kept in the user's cache directory. What cannot be run is skipped; a name in
// MLOPS_TEST_MUST_RUN, a list with commas, makes that skip a failure.
package remotetest
