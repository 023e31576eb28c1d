// Package vega makes charts of plot files as DVC defines them: from
// definitions and data to Vega-Lite specifications and to figures of package
// plot. It does no I/O.
//
// A definition says which fields of which files stand on the axes, and which
// template draws them. Its sources are the data files it names. A datapoint is a
// record of a source, with the revision it is from. A source of y is one field
// of one file; a plot with several of them tells them apart by file name, field,
// or both.
//
// A template is a Vega-Lite specification with anchors, words like
// <DVC_METRIC_X> that stand for what is filled in.
package vega
