// Package ui is the page: what people see of runs, data, pipelines and models
// in a browser.
//
// A page is HTML that is rendered here and complete without scripts. A feed is
// compact JSON that a page's script reads: columns of the runs table, points of
// curves, what changed. An asset is a script or style sheet, served under a
// name that holds the hash of all assets, so that browsers keep it for good.
// A viewer shows one artifact by what it is; a file that could run as a page
// comes from a response that forbids it everything.
//
// Nothing is loaded from elsewhere, and no script or style stands in a page, so
// that the content security policy can forbid both.
package ui
