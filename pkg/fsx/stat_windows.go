package fsx

import "io/fs"

// StatOf converts what os.Lstat and File.Stat return.
func StatOf(info fs.FileInfo) Stat {
	return Stat{Size: info.Size(), Mtime: info.ModTime().UnixNano(), Mode: info.Mode()}
}
