// Package store keeps objects on this machine.
//
// An object of 64 KiB or more is loose: a read-only file of its bytes, which a
// workspace can share by a link. Smaller ones, and all tree nodes, are in
// packs, nodes in packs of their own. A batch is how objects come in: what it
// was given is found by others only after Commit, and is then on the disk for
// good. Several processes may read and write one store at once; only Sweep
// needs it alone.
package store
