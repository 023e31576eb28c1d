// Package sweep reads overrides of parameters in the grammar of Hydra, and
// makes the trials of a sweep of them.
//
// An override says what to do to one parameter: KEY=VALUE sets one that is
// there, +KEY=VALUE adds one that is not, ++KEY=VALUE does either, ~KEY removes
// one. FILE: before the key names the parameter file. A value is a number, true,
// false, null, text, 'quoted text', a [list] or a {key: mapping}.
//
// An override whose value is a sweep stands for several: a,b or choice(a,b), or
// range(start,stop,step). The trials of a sweep are all combinations, of which
// the last override changes fastest.
package sweep
