// Package tree is the format of directories as objects. It reads and writes
// nodes through a Source and a Sink; it opens nothing. docs/format/tree.md is
// its specification.
//
// An entry is one name in a directory: a file, a directory or a symbolic link,
// with the object that holds it. A directory's entries, sorted by name, are cut
// into leaf nodes, whose list is cut into inner nodes, until one node is left:
// the root, whose id is the directory's. Only the hash of a name decides
// whether a node ends behind it, so equal directories have equal ids however
// they came to be, and a change rewrites one node a level.
package tree
