// Package server puts routes behind one listener and its guards.
//
// A request passes, in this order: its id, the log and the counters; whether its
// Host and Origin may be used; whether there is room; the route; its limits of
// size and time; who asks, and whether they may. Then the route's handler
// answers. What a handler or a guard refuses is written by the route's own
// protocol.
//
// New puts the parts together and does no I/O; Run listens until its context is
// done, then lets requests that have begun end.
package server
