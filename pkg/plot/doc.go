// Package plot draws charts: as SVG, as PNG, as a part of an HTML page and with
// characters in a terminal. It does no I/O.
//
// A figure is one chart as it stands on a page. It has one or more panels, drawn
// side by side on the same scale. A panel holds series (points that are joined
// or stand alone), bars, or a matrix of counts. What belongs together, such as
// all curves of one run, has the same color; a mark (dashes of a line, the shape
// of a point) tells apart what shares a color.
//
// A surface is what a chart is drawn on; there is one for SVG and one for PNG,
// so that both show the same.
package plot
