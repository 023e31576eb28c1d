// Package transfer moves objects between the store of this machine and a
// remote: push, fetch, and what was seen of the remote so far.
//
// A remote holds packs (the objects), index parts (the trailers of packs, so
// that one finds objects without reading packs) and a log. The log is the only
// truth: an entry is created by put-if-absent under the next number, and what no
// entry names is not there. An entry adds packs, the parts that index them, and
// roots: trees, blobs and runs. A root in the log proves that all its objects
// are present, and so does a tree node in a pack of the log.
//
// A History is the log as last seen, an Index the packs' trailers; both are kept
// in a cache that may be deleted. docs/format/remote.md describes every byte.
package transfer
