// Package dvc is the formats of DVC 2 and 3: .dvc files, dvc.lock, directory
// manifests, the names of objects in caches and remotes, the run cache and
// configuration files. It reads and writes bytes and does no I/O.
//
// A sum names content the way DVC does: the MD5 of the bytes, or in files of
// DVC 2 the MD5 of what the bytes are with CRLF made LF. The sum of a directory
// is that of its manifest, a JSON list of the files in it, and ends with .dir.
package dvc
