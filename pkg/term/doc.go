// Package term talks to the person or program at the other end of the
// streams: results on stdout, as text or JSON; messages and progress on stderr.
//
// A terminal (TTY) gets colour, cut cells and a redrawn progress line; a pipe
// gets plain whole text and a line now and then. No other package asks what
// the streams are.
package term
