// Package clock is the time of day behind an interface, so that tests can set it.
package clock
