// Package version tells which build of mlops this is.
package version
