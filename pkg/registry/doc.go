// Package registry defines the words of the model registry and the service that
// keeps it; no SQL, no HTTP. The vocabulary and the limits are MLflow's, so that
// one service can speak that protocol too.
//
// A model is a registered name. A version is an immutable, numbered state of it:
// files, and what is known of how they came about (its Details). Numbers count
// up from 1 and are never used twice. An alias is a movable name of a version,
// such as production. A stage is MLflow's older label of a version: None,
// Staging, Production or Archived. A tag is a label of a model or a version. An
// approval is a named person's word that a version is good. A Ref names a model
// or one of its versions: NAME, NAME/3, NAME@production.
//
// A record is a model or a version as canonical bytes, the form in which both
// travel. Two records of one thing merge field by field: of each field the later
// value wins, so that all copies agree whatever the order they meet in.
//
// Times are milliseconds since 1970 in UTC; 0 means not set.
package registry
