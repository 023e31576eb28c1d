//go:build !linux

package server

// trim has nothing to give back here.
func trim() {}
