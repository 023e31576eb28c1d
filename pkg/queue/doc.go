// Package queue keeps runs that wait, and works them off without a broker.
//
// A job is one run to be done: a row in index.db with all that it takes. It is
// waiting, running, or over: finished, failed or killed. A worker is the process
// that does one job; it says itself how the job ended. The supervisor is the
// one process that starts workers, so many at once. Worker and supervisor hold
// leases, which end with them: a supervisor that starts finds by them which jobs
// go on without it, and which were lost and are queued again.
//
// What a worker prints is in a log file of its job, until the job is removed.
package queue
