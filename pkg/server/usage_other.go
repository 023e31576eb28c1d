//go:build !linux

package server

// usage is not known here.
func usage() (resources, bool) { return resources{}, false }
