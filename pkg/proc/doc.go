// Package proc knows the processes and the size of this machine.
//
// The system uses the numbers of processes again and again. A process is
// therefore named by its number and its start time, as text to compare.
// Leftovers of a process are members of the process group that it led.
package proc
