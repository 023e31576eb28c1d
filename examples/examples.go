// Package examples holds the example projects that the program carries with it:
// digits, a classifier of handwritten digits in plain Python.
package examples

import "embed"

// Digits is the example project in examples/digits, below "digits".
//
//go:embed digits digits/.gitignore
var Digits embed.FS
