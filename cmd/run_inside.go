package cmd

import "context"

// listen opens the listener that the clients of a project log to.
func (p *projectRun) listen(context.Context) (vars []string, end func() error, err error) {
	return []string{runIDVariable + "=" + p.run.ID}, func() error { return nil }, nil
}
