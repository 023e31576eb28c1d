// Package release makes versions of models from what runs and the workspace
// have, moves aliases when their gates hold, and tells where a version comes
// from and what used it.
//
// A source is where the files of a version come from: a path of the workspace, or
// what a run kept. A gate is a condition that mlops.yaml sets for an alias: a
// version gets the alias only when all of its gates hold. A check is what was
// found of one gate.
package release
