// Package executor runs the commands of a stage.
//
// A task is the commands of one stage with their directory, environment and
// limits. Local runs them as processes of this machine, in a process group of
// their own, so that what a stage started can be stopped whole.
package executor
