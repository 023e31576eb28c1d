// Package fsx is what mlops needs of a file system beyond package os: writes
// that are whole or not there at all and stay after a power cut, locks that die
// with their process, cheap copies, memory maps and the stat fields that tell
// whether a file changed.
//
// Durable: the bytes, and the name that leads to them, are on the disk before
// the call returns.
package fsx
