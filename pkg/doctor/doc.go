// Package doctor looks at the machine and the repository for what would stand
// in the way of work, and says what to do for each.
//
// A finding is one thing that was looked at: fine, worth knowing, or a problem.
// Doctor is quick and changes nothing; fsck reads every byte.
package doctor
