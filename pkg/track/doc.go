// Package track defines the words of experiment tracking and the service that
// keeps them; no SQL, no HTTP. The vocabulary and the limits are MLflow's, so
// that one service can speak that protocol too.
//
// A run is one execution: of a pipeline, a stage, a script. An experiment is a
// named group of runs. A param is an input that does not change during a run;
// a metric is a number measured at a step, and a series is all points of one
// metric; a tag is a label that may change at any time. An asset is a file or
// directory that a run read, wrote or kept, named by its content. A stage
// record says what happened to one stage of a pipeline in a run, and why. An
// event is a line of the append-only history: what happened, to what, by whom.
// A record is one finished run as canonical bytes, the form in which runs
// travel.
//
// A dataset is what a client says a run read, by name and digest. A logged model
// is a model that a run made, with params, tags, metrics and files of its own.
// An artifact is a file of a run or of a logged model, by path.
//
// Times are milliseconds since 1970 in UTC; 0 means not set.
package track
