// Package remote speaks to places outside this machine that keep bytes by key.
//
// A Bucket is such a place behind six methods; a driver makes one: package file
// for directories, package cloud for S3, GCS and Azure. A Conn is a bucket with
// what every driver needs: it tries again what may pass, keeps a bounded number
// of requests in flight and counts them.
//
// Put-if-absent: of all writers that put one key with IfAbsent, exactly one
// succeeds and the others get errs.Conflict. What is stored in a remote rests
// on it; Probe finds out whether a bucket keeps the promise.
package remote
