// Package local runs MLflow Projects on this machine.
//
// A source is where a project comes from: a directory, or a git repository, at a
// version and a subdirectory. A checkout is a project as it stands in a directory
// here. A manager makes environments: local (this machine as it is), venv, conda,
// docker. Environments are kept in a cache by the hash of all that they are made
// of, and made once.
package local
