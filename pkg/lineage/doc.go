// Package lineage tells other programs what runs read and made, in the words of
// OpenLineage (https://openlineage.io, version 2-0-2 of its schema).
//
// A job is what runs: a pipeline file, or a stage of it. A run is one execution
// of a job; that of a stage has that of its pipeline as parent. A dataset is a
// file or directory of the repository, its version the id of its bytes. A facet
// is a piece of what is known of one of these.
//
// A Reporter turns what happens in a run into events, a Sink takes them to a
// file or a URL. Neither ever holds up a run: events wait in a buffer of fixed
// size, and what cannot be sent is dropped and counted.
package lineage
