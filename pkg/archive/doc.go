// Package archive writes runs with what they kept to one file, and takes them
// in again: docs/format/archive.md.
//
// An archive is a tar file: objects and tree nodes by their ids, and records of
// finished runs as they travel with push and pull. Taking one in merges: what
// is known already is not harmed, and of two copies of a run the later tags,
// name and note win.
package archive
