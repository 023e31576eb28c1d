// Package artifact keeps the files of runs and logged models.
//
// An owner is what files belong to. A path names a file below its owner, see
// CleanPath. Rows say which object stands at a path; blobs hold the bytes of
// objects by their id, so that equal files are kept once, however many owners
// have them: Local in the store of a repository, Remote in a bucket.
//
// Bytes stream: an upload is hashed while it is written to a temporary file, and
// has a name only when it is whole and durable. Who reads while another writes
// the same path gets the whole old or the whole new file.
package artifact
