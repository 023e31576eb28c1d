// Package junit writes JUnit XML, the report that CI services show as tests.
//
// A suite is one run, a case is one stage of it. The dialect is what Jenkins,
// GitLab, GitHub and Azure have in common: no attribute that one of them
// refuses, times in seconds, and text that XML allows.
package junit
