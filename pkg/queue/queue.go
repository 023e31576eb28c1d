package queue

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/mlops-cli/mlops/pkg/clock"
	"github.com/mlops-cli/mlops/pkg/db"
	"github.com/mlops-cli/mlops/pkg/errs"
)

// State says how far a job has come.
type State string

// The states of a job.
const (
	Waiting  State = "waiting"
	Running  State = "running"
	Finished State = "finished"
	Failed   State = "failed"
	Killed   State = "killed"
)

// Over reports whether a job of this state has ended.
func (s State) Over() bool { return s != Waiting && s != Running }

// Job is one run to be done.
type Job struct {
	ID       int64             `json:"id"`
	Run      string            `json:"run_id"`
	Parent   string            `json:"parent,omitempty"` // id of the run of its sweep
	Name     string            `json:"name"`
	Params   map[string]string `json:"params"` // those that differ within its sweep
	Request  json.RawMessage   `json:"-"`
	State    State             `json:"state"`
	Attempts int               `json:"attempts"`
	Queued   int64             `json:"queued"`  // ms since 1970
	Started  int64             `json:"started"` // 0 while it waits
	Ended    int64             `json:"ended"`   // 0 until it is over
	Stopping bool              `json:"stopping,omitempty"`
	Error    string            `json:"error,omitempty"`
}

// Queue is the jobs of a repository. Many processes may use it at once.
type Queue struct {
	db    *db.DB
	dir   string
	clock clock.Clock
}

// New returns the queue in index, with its logs and leases in dir, which is
// made when it is needed.
func New(index *db.DB, dir string, c clock.Clock) *Queue {
	return &Queue{db: index, dir: dir, clock: c}
}

func (q *Queue) now() int64 { return q.clock.Now().UnixMilli() }

func (q *Queue) makeDir() error {
	if err := os.MkdirAll(q.dir, 0o777); err != nil {
		return errs.New(errs.Internal, "queue: %w", err)
	}
	return nil
}

// LogFile is where what a job prints is kept.
func (q *Queue) LogFile(id int64) string {
	return filepath.Join(q.dir, strconv.FormatInt(id, 10)+".log")
}

// Add puts jobs at the end, all or none, and returns them with their numbers.
func (q *Queue) Add(ctx context.Context, jobs []Job) ([]Job, error) {
	jobs = slices.Clone(jobs)
	err := q.db.Write(ctx, func(tx *sql.Tx) error {
		for i := range jobs {
			j := &jobs[i]
			j.State, j.Queued = Waiting, q.now()
			if j.Params == nil {
				j.Params = map[string]string{}
			}
			params, err := json.Marshal(j.Params)
			if err != nil {
				return err
			}
			res, err := tx.ExecContext(ctx, "INSERT INTO queue (run, parent, name, params, request, state, queued) VALUES (?, ?, ?, ?, ?, ?, ?)",
				j.Run, j.Parent, j.Name, string(params), string(j.Request), j.State, j.Queued)
			if err != nil {
				return err
			}
			if j.ID, err = res.LastInsertId(); err != nil {
				return err
			}
		}
		return nil
	})
	return jobs, err
}

const columns = "SELECT id, run, parent, name, params, request, state, attempts, queued, started, ended, wish, error FROM queue "

// Jobs lists the jobs in the states, none for all, in the order they were added.
func (q *Queue) Jobs(ctx context.Context, states ...State) ([]Job, error) {
	where, args := "", []any{}
	for _, s := range states {
		args = append(args, s)
	}
	if len(states) > 0 {
		where = "WHERE state IN (?" + strings.Repeat(", ?", len(states)-1) + ") "
	}
	return q.list(ctx, where+"ORDER BY id", args...)
}

func (q *Queue) list(ctx context.Context, rest string, args ...any) (jobs []Job, err error) {
	rows, err := q.db.QueryContext(ctx, columns+rest, args...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	jobs = []Job{}
	for rows.Next() {
		var j Job
		var params, request, wish string
		if err := rows.Scan(&j.ID, &j.Run, &j.Parent, &j.Name, &params, &request, &j.State, &j.Attempts,
			&j.Queued, &j.Started, &j.Ended, &wish, &j.Error); err != nil {
			return nil, err
		}
		if err := json.Unmarshal([]byte(params), &j.Params); err != nil {
			return nil, errs.New(errs.Corrupt, "job %d: %w", j.ID, err)
		}
		j.Request, j.Stopping = json.RawMessage(request), wish != "" && !j.State.Over()
		jobs = append(jobs, j)
	}
	return jobs, rows.Err()
}

// Job returns the job that word means: its number, the name of its run, or the
// first digits of the run's id.
func (q *Queue) Job(ctx context.Context, word string) (Job, error) {
	jobs, err := q.Jobs(ctx)
	if err != nil {
		return Job{}, err
	}
	var found []Job
	var names []string
	for _, j := range jobs {
		names = append(names, j.Name)
		switch {
		case strconv.FormatInt(j.ID, 10) == word:
			return j, nil
		case j.Name == word || len(word) >= 4 && strings.HasPrefix(j.Run, word):
			found = append(found, j)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return Job{}, errs.New(errs.NotFound, "no job %q in the queue", word).DidYouMean(word, names).Hint("see the jobs: mlops queue ls")
	}
	return Job{}, errs.New(errs.Conflict, "%q may be job %d or job %d", word, found[0].ID, found[1].ID).Hint("give the number of the job")
}

// take makes the first job that waits a running one. It is nil when none waits.
func (q *Queue) take(ctx context.Context) (*Job, error) {
	var id int64
	err := q.db.Write(ctx, func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, `UPDATE queue SET state = ?, started = ?, attempts = attempts + 1, error = ''
			WHERE id = (SELECT min(id) FROM queue WHERE state = ?) RETURNING id`, Running, q.now(), Waiting).Scan(&id)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil //nolint:nilnil // nothing waits
	}
	if err != nil {
		return nil, err
	}
	return q.byID(ctx, id)
}

func (q *Queue) byID(ctx context.Context, id int64) (*Job, error) {
	jobs, err := q.list(ctx, "WHERE id = ?", id)
	if err == nil && len(jobs) == 0 {
		err = errs.New(errs.NotFound, "no job %d in the queue", id)
	}
	if err != nil {
		return nil, err
	}
	return &jobs[0], nil
}

// End says how a job ended that was not over, and reports whether it was not.
// Nothing happens when the job was queued again, as another run than j names.
func (q *Queue) End(ctx context.Context, j Job, state State, why string) (bool, error) {
	var changed int64
	err := q.db.Write(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, "UPDATE queue SET state = ?, ended = ?, error = ? WHERE id = ? AND run = ? AND state IN (?, ?)",
			state, q.now(), why, j.ID, j.Run, Waiting, Running)
		if err != nil {
			return err
		}
		changed, err = res.RowsAffected()
		return err
	})
	return changed > 0, err
}

// again has a job wait that was running, as another run.
func (q *Queue) again(ctx context.Context, id int64, run, why string) error {
	return q.db.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "UPDATE queue SET state = ?, run = ?, started = 0, error = ? WHERE id = ? AND state = ?", Waiting, run, why, id, Running)
		return err
	})
}

// Kill ends a job that waits at once, and has a running one stop. It reports
// whether the job is over now.
func (q *Queue) Kill(ctx context.Context, id int64) (over bool, err error) {
	err = q.db.Write(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, "UPDATE queue SET state = ?, ended = ? WHERE id = ? AND state = ?", Killed, q.now(), id, Waiting)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n > 0 {
			over = true
			return err
		}
		_, err = tx.ExecContext(ctx, "UPDATE queue SET wish = 'kill' WHERE id = ? AND state = ?", id, Running)
		return err
	})
	return over, err
}

// Remove takes jobs that are over, or still wait, out of the queue, with their
// logs. Running ones are errs.Conflict, and nothing is removed.
func (q *Queue) Remove(ctx context.Context, ids ...int64) error {
	err := q.db.Write(ctx, func(tx *sql.Tx) error {
		for _, id := range ids {
			var state State
			switch err := tx.QueryRowContext(ctx, "DELETE FROM queue WHERE id = ? RETURNING state", id).Scan(&state); {
			case errors.Is(err, sql.ErrNoRows):
				continue
			case err != nil:
				return err
			case state == Running:
				return errs.New(errs.Conflict, "job %d is running", id).Hint("mlops queue kill %d", id)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := os.Remove(q.LogFile(id)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove log: %w", err)
		}
	}
	return nil
}

// Left is how many jobs of a sweep are not over, and whether one of the others
// failed or was killed.
func (q *Queue) Left(ctx context.Context, parent string) (left int, worst State, err error) {
	jobs, err := q.list(ctx, "WHERE parent = ?", parent)
	worst = Finished
	for _, j := range jobs {
		switch {
		case !j.State.Over():
			left++
		case j.State == Failed, j.State == Killed && worst != Failed:
			worst = j.State
		}
	}
	return left, worst, err
}
