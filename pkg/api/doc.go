// Package api is our own HTTP API, below /api/v1, made from Go types.
//
// A resource is a thing with an address: a project, model, version, experiment,
// run, metric, artifact, dataset, pipeline. A list is a page of resources with a
// cursor for the next page. A problem is an error as RFC 9457 writes it: its type
// is urn:mlops:CODE with the code of docs/exit-codes.md, and what is wrong with
// which field stands in errors.
//
// The OpenAPI 3.1 document and a page that shows it follow from the same types.
package api
