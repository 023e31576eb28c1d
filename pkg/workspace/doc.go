// Package workspace moves between the files that a user works on and the
// objects in the store: hash, save and restore, and the commands on tracked
// paths that are made of them.
//
// A scan finds the id of what stands at a path. The stat cache remembers, one
// row a directory, what was found last and how the files looked then, so that
// an unchanged directory is not read again. It is never trusted for a file
// that was changed about the time it was looked at. docs/format/statcache.md is its
// specification.
//
// Unsaved means that bytes in the workspace are not in the store: nothing here
// overwrites or removes them unless Force is set.
package workspace
