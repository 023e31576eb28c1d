// Package mlflow is MLflow's REST protocol over this program's own records, so
// that unmodified MLflow clients work against it.
//
// Words. A route is a method and a path below a prefix (/api or /ajax-api). A
// request is what a client sent: a JSON object, or a query of the same fields;
// absent and null fields are not there. A reply is a JSON object as protobuf
// writes it: names in snake_case, 64-bit integers as numbers, NaN as a text,
// fields that are set written even when they are 0 or "", empty lists left
// out. An Error has one of MLflow's codes, which decides the HTTP status.
//
// Everything that a client gets wrong is a 4xx: clients try again for minutes
// after a 5xx.
package mlflow
