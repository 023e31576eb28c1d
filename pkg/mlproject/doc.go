// Package mlproject reads MLflow Projects; no I/O.
//
// A project is a directory with code that can be run. Its MLproject file, which
// it need not have, names it, its environment and its entry points. An entry
// point is a command with parameters; any .py, .sh or .R file of a project is one,
// too. A parameter has a type and perhaps a default: string, float (a number),
// path (a file, fetched when it is elsewhere) or uri (passed on as it is).
// Parameters that an entry point does not declare are added to its command as
// --key value. All values are quoted for a POSIX shell.
//
// An environment is what the command runs in: this machine as it is, a Python
// environment (python_env.yaml), one of conda (conda.yaml), or a container image.
package mlproject
