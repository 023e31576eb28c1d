// Package fault names the steps at which a test can kill the process or make
// the work fail. Code that matters calls At between two steps; without a hook
// in the context, as in every shipped binary, At does nothing.
package fault
