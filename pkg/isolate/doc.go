// Package isolate makes copies of the workspace in which runs do their work, so
// that many run at once and the files that the user works on are never touched.
//
// A snapshot is the workspace at one moment, in the store: code, which is every
// file that git tracks or does not ignore (without git, every file), and data,
// which is what pointers name, as it stands on disk. Outputs of stages are no
// part of it: the engine brings those that a run needs.
//
// A copy is a directory below .mlops/isolated made from a snapshot. It shares
// the store, the index and the stage cache of its repository. A copy has a
// lease: when its holder dies without removing it, Tidy does.
package isolate
