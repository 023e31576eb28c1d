// Package progress lets long work tell how far it is, without knowing who
// listens. The terminal's bars are drawn by package term.
package progress
