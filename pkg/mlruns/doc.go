// Package mlruns brings runs and models of MLflow here, and gives them to an
// MLflow server.
//
// A source is where MLflow keeps what it knows: a directory (mlruns), a database
// of SQLite or PostgreSQL, or a server. All of 1.x to 3.x are read, and nothing in
// them is changed. A place is where files of a run are: a directory, a bucket, or
// behind a server.
//
// Ids of runs, logged models and experiments are kept. An import may be repeated:
// what is here already is left as it is, what is new is added, and what a killed
// one began is finished. An export cannot keep ids; a tag on each run names its
// origin, so that it, too, may be repeated.
package mlruns
