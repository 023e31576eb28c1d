//go:build !linux

package main

// maxrssUnit is the unit of Rusage.Maxrss here, in bytes.
const maxrssUnit = 1
