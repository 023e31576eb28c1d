// Package metricfile reads the numbers that training scripts leave in files.
// It does no I/O and knows nothing of runs.
//
// A metrics file (JSON, YAML, TOML) holds numbers in nested tables; each is a
// series of one point whose key is the path a.b.c. Text, lists and booleans in
// it are not metrics. A plot file (CSV, TSV, JSON or JSON lines) holds records;
// each numeric column is a series, and its steps are the column named step,
// epoch or iteration, or the row numbers from 0. A file of pairs of classes (a
// confusion matrix) is data, not series.
//
// Keys stand without their file as long as that is clear, as in DVC: metrics
// files that share a key are told apart as file:key. A column of a plot that
// has the key of a metrics file, or is in two plot files, becomes file:column.
package metricfile
