// Package cmd is the command line: one file a command, which turns flags into
// a request, calls one use case and shows its result.
//
// app.go wires the parts together, root.go lists the commands, fail.go turns
// errors into messages and exit codes, conf.go gathers the settings.
package cmd
