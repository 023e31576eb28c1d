// Package route holds the words that the protocols of the server and the server
// itself share.
//
// A Route is one method and pattern with the handler that answers it, the access
// that it demands and the subjects it is about. Protocols return slices of
// routes; the server guards and serves them. A route without an access, or
// without a way to write its errors, is refused when the server is put together.
//
// A Subject is what a request is about: an experiment, a run, a model, a file.
// A User is who asks. What a user may do with a subject is asked by Allow.
package route
