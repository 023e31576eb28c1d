package proc

import "os"

// ID names a process of this machine.
type ID struct {
	PID     int    `json:"pid"`
	Started string `json:"started"` // as Start returns it
}

// Self is the process that runs this code.
func Self() ID { return Of(os.Getpid()) }

// Of names the process that has the number now.
func Of(pid int) ID {
	started, _ := Start(pid)
	return ID{PID: pid, Started: started}
}

// Alive reports whether the process still runs. One that cannot be looked at
// counts as alive.
func (p ID) Alive() bool {
	started, running := Start(p.PID)
	return running && (started == "" || p.Started == "" || started == p.Started)
}
