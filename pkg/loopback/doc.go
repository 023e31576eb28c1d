// Package loopback lets the processes of a run log to it over HTTP, as they would
// log to a server.
//
// A listener is a socket on this machine's loopback that is opened for the first
// session and closed with the run. A session is what the processes of one stage
// may do, named by a token that only they are given. Its handlers are put together
// at its first request: a session that nobody uses costs a token.
//
// A session writes to its own run and to those that its processes make, which
// become children of it; it may read all. How its own run ends is not for a
// session to say. It knows one experiment, that of its run, by whatever name its
// processes call it: so scripts that choose an experiment first work as they are.
package loopback
