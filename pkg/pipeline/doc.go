// Package pipeline plans and runs the stages of a repository.
//
// A project is every pipeline file of the repository, resolved, and the graph
// of its stages. The fingerprint of a stage is the hash of all that decides its
// result: command, dependencies by id, parameter values, environment, declared
// outputs. A decision says what happens to a stage (run, restore, skip) and the
// reasons say why, in words that name the file and the value. The stage cache
// remembers the outputs of every fingerprint that ever ran here.
//
// A claim is the right to work on a stage: leases of its place in the workspace
// and of its fingerprint, which die with the process. What a claim says is left
// behind by a run that is killed, and marks outputs as half-written. Slots are
// leases of pools, mutexes and GPUs, held while commands run. A map stage has no
// commands: its expansion over a list gives a stage for each item.
//
// Run executes stages that are ready side by side. Outputs are recorded only
// of stages that succeeded, in this order: objects, lock, stage cache and run.
package pipeline
