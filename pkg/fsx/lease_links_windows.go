package fsx

import "io/fs"

// oneName reports whether a file has one name only. Pools keep no files here.
func oneName(fs.FileInfo) bool { return false }
