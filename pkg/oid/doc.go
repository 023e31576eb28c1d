// Package oid holds object ids. An object is a run of bytes; its id is the
// SHA-256 of those bytes, so that `sha256sum`, git-lfs and OCI registries name
// it alike. Binary formats carry the algorithm as one byte, Algorithm.
package oid
