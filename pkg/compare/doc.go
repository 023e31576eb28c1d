// Package compare puts runs and git revisions side by side.
//
// A column is one of the things compared: a run, the state of the files at a
// git revision, or the workspace. A row is a param, a metric, or a path of data
// or code with one value for each column. Rows whose values are all the same
// are left out unless asked for. The direction of a metric says whether more or
// less of it is better: it is told, or known from the metric's name, or unknown.
// A curve is the points of one metric of one column.
//
// Results are drawn here as Markdown, CSV, HTML and terminal plots; tables in
// the terminal are the command's own work.
package compare
