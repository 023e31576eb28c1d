// Package reproduce brings back what a run was made of, and says what two runs
// were made of: code, params and data.
//
// The code tree of a run is a tree object of git: the run's commit, with what
// differed from it as the patch that the run kept, and the params files, locks
// and outputs that it kept in the place of theirs. Applying a run makes the
// workspace that tree, with the data that the run read and made; branching
// commits it; comparing two runs compares their trees. Without git there are
// only the files that the run kept.
package reproduce
