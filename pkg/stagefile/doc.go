// Package stagefile reads and writes the files that describe a pipeline.
//
// A pipeline file (mlops.yaml, or dvc.yaml where there is none) holds stages: a
// stage is a command with its dependencies, parameters and outputs. Templates
// (foreach, matrix, vars and ${}) are resolved while the file is loaded; what
// comes out is plain. Paths of a loaded stage are slash paths relative to the
// root of the repository.
//
// A lock (mlops.lock, beside its pipeline file) holds a record for each stage:
// what the stage read and wrote when it last ran. docs/format/lock.md
// specifies it.
package stagefile
