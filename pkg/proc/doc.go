// Package proc tells processes of this machine apart.
//
// The system uses the numbers of processes again and again. A process is
// therefore named by its number and its start time, as text to compare.
package proc
