package trackdb

import (
	"context"
	"os"

	"github.com/mlops-cli/mlops/pkg/db"
	"github.com/mlops-cli/mlops/pkg/proc"
	"github.com/mlops-cli/mlops/pkg/track"
)

// thisProcess describes the process that runs this code.
func thisProcess() track.Process {
	self := proc.Self()
	return track.Process{Host: hostname(), PID: self.PID, Started: self.Started}
}

func hostname() string {
	name, err := os.Hostname()
	if err != nil {
		return "localhost"
	}
	return name
}

// alive reports whether a process of this machine still runs. One that cannot
// be looked at counts as alive.
func alive(p track.Process) bool { return proc.ID{PID: p.PID, Started: p.Started}.Alive() }

// reap marks runs as killed whose process, of this machine, is gone. They end
// at the time of the last thing that they recorded.
func (s *Service) reap(ctx context.Context) error {
	var dead []string
	host := ""
	var id string
	var p track.Process
	if err := db.Each(ctx, s.db, []any{&id, &p.Host, &p.PID, &p.Started}, func() error {
		if host == "" {
			host = hostname()
		}
		if p.Host == host && !s.alive(p) {
			dead = append(dead, id)
		}
		return nil
	}, "SELECT id, host, pid, proc_start FROM runs WHERE pid > 0"); err != nil || len(dead) == 0 {
		return err
	}
	return s.db.Update(ctx, func(tx *db.Tx) error {
		for _, id := range dead {
			r, err := s.open(ctx, tx, id)
			if err != nil {
				return err
			}
			if r.status.Over() {
				continue // another process was faster
			}
			var point, event int64
			if err := tx.QueryRowContext(ctx, `SELECT coalesce((SELECT max(timestamp) FROM series WHERE run = ?), 0),
				coalesce((SELECT max(time) FROM events WHERE subject = ?), 0)`, r.seq, id).Scan(&point, &event); err != nil {
				return err
			}
			if err := s.end(ctx, tx, r.seq, id, track.Killed, max(r.start, point, event)); err != nil {
				return err
			}
		}
		return nil
	})
}
