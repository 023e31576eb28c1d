// Package repo is a repository on disk: where its root is, its settings, which
// paths are tracked, and what git knows of it.
//
// Root: the directory that holds .mlops. Paths in this package are slash paths
// relative to it, "." is the root itself.
//
// Tracked: named by a pointer file (PATH.mlops, in git, beside the data, which
// git ignores) or by an output in an mlops.lock.
package repo
