package clock

import "time"

// Clock tells the time.
type Clock interface {
	Now() time.Time
}

// System is the clock of the machine.
type System struct{}

// Now is the current time.
func (System) Now() time.Time { return time.Now() }

// Fixed is a clock that always shows the same time.
type Fixed time.Time

// Now is the time the clock was set to.
func (f Fixed) Now() time.Time { return time.Time(f) }
