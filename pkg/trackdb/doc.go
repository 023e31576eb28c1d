// Package trackdb keeps runs in index.db: track.Service over SQLite, the
// history of events, and the records by which finished runs travel.
//
// Each call is one transaction. A series is a row with the last point and the
// extremes of one metric of a run; its points are rows of their own, so that
// lists never read them. A run that says RUNNING while its process is gone is
// marked KILLED by the next call that looks at it.
package trackdb
