// Package upkeep looks after a repository: fsck says what is wrong with it, gc
// frees what nothing names any more.
//
// A root is an object that something names: a pointer or a lock, in the
// workspace, in git's index or in a commit, or a run. An object is live when it
// is a root or is reached from one.
package upkeep
