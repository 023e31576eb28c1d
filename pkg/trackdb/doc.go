// Package trackdb keeps runs, experiments, datasets and logged models: track.Store
// over index.db or the PostgreSQL database of a server, the history of events,
// and the records by which finished runs travel.
//
// Each call is one transaction; those of many goroutines share commits (see
// db.DB.Update). A series is a row with the last point and the extremes of one
// metric of a run, so that lists never read points. Points are in blocks: a tail
// is what one request logged to a run, and many tails are folded into blocks of
// thousands of points of one series. A run that says RUNNING while its process is
// gone is marked KILLED by the next call that looks at it.
package trackdb
