// Package file keeps a bucket in a directory, on a disk of this machine or one
// that many machines mount. A key is a path below the directory. Objects are
// written beside their place and linked into it, so that put-if-absent is safe
// between processes and nobody sees half an object; they are flushed before Put
// returns.
package file
