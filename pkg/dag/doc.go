// Package dag orders named things that depend on one another.
//
// A node is a name; an edge says that one node depends on another, which comes
// before it. Orders are stable: where edges leave a choice, nodes keep the
// order in which they were added. All work is linear in nodes and edges.
package dag
