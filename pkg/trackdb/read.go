package trackdb

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/mlops-cli/mlops/pkg/db"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/track"
)

const runColumns = `r.seq, r.id, r.name, (SELECT name FROM experiments WHERE id = r.experiment), r.kind, r.status, r.start_time, r.end_time, r.deleted > 0, r.parent, r."user", r.source,
	r.git_commit, r.git_branch, r.git_dirty, r.git_remote, r.note, r.command, r.experiment`

// runRow is where the columns of runColumns go.
type runRow struct {
	seq     int64
	run     track.Run
	command string
}

func (r *runRow) dest() []any {
	run := &r.run
	return []any{
		&r.seq, &run.ID, &run.Name, &run.Experiment, &run.Kind, &run.Status, &run.StartTime, &run.EndTime, &run.Deleted,
		&run.Parent, &run.User, &run.Source, &run.Git.Commit, &run.Git.Branch, &run.Git.Dirty, &run.Git.Remote, &run.Note, &r.command,
		&run.ExperimentID,
	}
}

// take returns the run of the row that was read last.
func (r *runRow) take() (track.Run, error) {
	run := r.run
	run.Command, run.Params, run.Metrics, run.Tags = nil, []track.Param{}, []track.Summary{}, []track.Tag{}
	if r.command == "[]" {
		return run, nil
	}
	return run, json.Unmarshal([]byte(r.command), &run.Command)
}

// Run implements track.Reader.
func (s *Service) Run(ctx context.Context, id string) (track.Run, error) {
	if err := s.reap(ctx); err != nil {
		return track.Run{}, err
	}
	_, run, _, err := wholeRun(ctx, s.db, id)
	return run, err
}

// wholeRun reads all of a run but the points of its series.
func wholeRun(ctx context.Context, q querier, id string) (seq int64, run track.Run, edited int64, err error) {
	var environment string
	var r runRow
	if err := db.Each(ctx, q, append(r.dest(), &environment, &edited), func() error {
		run, err = r.take()
		return err
	}, "SELECT "+runColumns+", r.environment, r.edited FROM runs r WHERE r.id = ?", id); err != nil {
		return 0, run, 0, err
	}
	if r.seq == 0 {
		return 0, run, 0, notFound(id)
	}
	if environment != "{}" {
		if err := json.Unmarshal([]byte(environment), &run.Environment); err != nil {
			return 0, run, 0, err
		}
	}
	bySeq := map[int64]*track.Run{r.seq: &run}
	if err := gather(ctx, q, 1, bodies(q, bySeq, false)); err != nil {
		return 0, run, 0, err
	}
	if err := fillAssets(ctx, q, bySeq); err != nil {
		return 0, run, 0, err
	}
	if err := fillInputs(ctx, q, bySeq); err != nil {
		return 0, run, 0, err
	}
	run.Stages, err = stages(ctx, q, r.seq)
	return r.seq, run, edited, err
}

// Runs implements track.Reader.
func (s *Service) Runs(ctx context.Context, q track.Query) ([]track.Run, error) {
	seqs, err := s.find(ctx, q)
	if err != nil {
		return nil, err
	}
	return s.load(ctx, q, seqs)
}

// Stream calls fn with all runs that q chooses, some hundred at a time, so that
// memory does not follow their number.
func (s *Service) Stream(ctx context.Context, q track.Query, fn func([]track.Run) error) error {
	seqs, err := s.find(ctx, q)
	if err != nil {
		return err
	}
	for wanted := range slices.Chunk(seqs, fewRuns) {
		runs, err := s.load(ctx, q, wanted)
		if err != nil {
			return err
		}
		if err := fn(runs); err != nil {
			return err
		}
	}
	return nil
}

// find returns the numbers of the runs that q chooses, in its order: what is
// sorted is small, and only the runs of the page are read.
func (s *Service) find(ctx context.Context, q track.Query) (seqs []int64, err error) {
	if err := s.reap(ctx); err != nil {
		return nil, err
	}
	l := s.listing(ctx, q)
	if query, args, ok := l.byIndex(q); ok {
		if seqs, err = numbersOf(ctx, s.db, query, args); err != nil || len(seqs) == q.Limit {
			return seqs, err
		}
	}
	query, args := l.query(q)
	return numbersOf(ctx, s.db, query, args)
}

// numbersOf reads the one column of a query.
func numbersOf(ctx context.Context, q querier, query string, args []any) (list []int64, err error) {
	var n int64
	err = db.Each(ctx, q, []any{&n}, func() error {
		list = append(list, n)
		return nil
	}, query, args...)
	return list, err
}

// load reads some runs, with as much of them as q asks for. One that went since
// it was found is left out.
func (s *Service) load(ctx context.Context, q track.Query, seqs []int64) ([]track.Run, error) {
	runs := make([]track.Run, len(seqs))
	bySeq := make(map[int64]*track.Run, len(seqs))
	for i, seq := range seqs {
		bySeq[seq] = &runs[i]
	}
	var heads map[int64]track.Run
	parts := []part{func(ctx context.Context) (err error) {
		heads, err = s.heads(ctx, bySeq)
		return err
	}}
	if !q.Bare {
		parts = append(parts, bodies(s.db, bySeq, q.Logged)...)
	}
	if err := gather(ctx, s.db, len(seqs), parts); err != nil {
		return nil, err
	}
	for i, seq := range seqs {
		head, body := heads[seq], runs[i]
		head.Params, head.Metrics, head.Tags = orEmpty(body.Params), orEmpty(body.Metrics), orEmpty(body.Tags)
		runs[i] = head
	}
	if q.Counts {
		if err := s.countChildren(ctx, runs); err != nil {
			return nil, err
		}
	}
	if q.Assets {
		if err := fillAssets(ctx, s.db, bySeq); err != nil {
			return nil, err
		}
	}
	if q.Inputs {
		if err := fillInputs(ctx, s.db, bySeq); err != nil {
			return nil, err
		}
	}
	return slices.DeleteFunc(runs, func(r track.Run) bool { return r.ID == "" }), nil
}

// countChildren says of each run how many have it as parent.
func (s *Service) countChildren(ctx context.Context, runs []track.Run) error {
	byID := make(map[string]*track.Run, len(runs))
	for i := range runs {
		byID[runs[i].ID] = &runs[i]
	}
	var parent string
	var count int64
	for chunk := range slices.Chunk(runs, fewRuns) {
		args := make([]any, len(chunk))
		for i := range chunk {
			args[i] = chunk[i].ID
		}
		if err := db.Each(ctx, s.db, []any{&parent, &count}, func() error {
			byID[parent].Children = count
			return nil
		}, "SELECT parent, count(*) FROM runs "+s.db.Dialect().Only(db.SQLite, "INDEXED BY runs_parent ")+"WHERE parent <> '' AND deleted = 0 AND parent IN ("+marks(len(args))+") GROUP BY parent", args...); err != nil {
			return err
		}
	}
	return nil
}

func marks(n int) string { return strings.TrimSuffix(strings.Repeat("?,", n), ",") }

// fewRuns is up to where runs are looked up one by one. Above, where their
// numbers are close together, a table is read from the first to the last run,
// which is faster for each.
const fewRuns = 500

// part reads some of what belongs to runs from one table.
type part func(ctx context.Context) error

// sideBySide is from how many runs on tables are read side by side.
const sideBySide = 16

// gather reads parts of so many runs. For many runs they are read side by side,
// on connections of their own, when q is a database.
func gather(ctx context.Context, q querier, runs int, parts []part) error {
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(2) // each connection has a cache of its own
	if _, ok := q.(*db.DB); !ok || runs <= sideBySide {
		group.SetLimit(1)
	}
	for _, read := range parts {
		group.Go(func() error { return read(within) })
	}
	return group.Wait()
}

// heads reads the rows of runs themselves.
func (s *Service) heads(ctx context.Context, runs map[int64]*track.Run) (map[int64]track.Run, error) {
	found := make(map[int64]track.Run, len(runs))
	var r runRow
	var failed error
	err := rowsOf(ctx, s.db, runs, &r.seq, r.dest()[1:], func(*track.Run) {
		run, err := r.take()
		found[r.seq], failed = run, errors.Join(failed, err)
	}, runColumns, "runs r", "r.seq", "", "")
	return found, errors.Join(err, failed)
}

// bodies read params, metrics and tags, by key or as they were first logged.
func bodies(q querier, runs map[int64]*track.Run, logged bool) []part {
	return []part{
		func(ctx context.Context) error {
			var seq, position int64
			var p track.Param
			rows := inTurn[track.Param]{logged: logged, list: func(r *track.Run) *[]track.Param { return &r.Params }}
			err := rowsOf(ctx, q, runs, &seq, []any{&p.Key, &p.Value, &position}, func(r *track.Run) { rows.take(r, position, p.Key, p) },
				"run, key, value, position", "params", "run", "", "")
			rows.end()
			return err
		},
		func(ctx context.Context) error {
			var seq, id int64
			var m track.Summary
			var value, low, high valueColumn
			rows := inTurn[track.Summary]{logged: logged, list: func(r *track.Run) *[]track.Summary { return &r.Metrics }}
			err := rowsOf(ctx, q, runs, &seq, []any{&id, &m.Key, &value, &m.Timestamp, &m.Step, &low, &high, &m.Count}, func(r *track.Run) {
				m.Value, m.Min, m.Max = track.Value(value), track.Value(low), track.Value(high)
				rows.take(r, id, m.Key, m)
			}, "run, id, key, value, timestamp, step, min, max, count", "series", "run", "", "")
			rows.end()
			return err
		},
		func(ctx context.Context) error {
			var seq, position int64
			var t track.Tag
			rows := inTurn[track.Tag]{logged: logged, list: func(r *track.Run) *[]track.Tag { return &r.Tags }}
			err := rowsOf(ctx, q, runs, &seq, []any{&t.Key, &t.Value, &t.Time, &position}, func(r *track.Run) { rows.take(r, position, t.Key, t) },
				"run, key, value, time, position", "tags", "run", " AND deleted = 0", "")
			rows.end()
			return err
		},
	}
}

// inTurn adds rows to the lists of their runs, by key or as they were first
// logged. The rows of a run follow one another; SQLite would sort those of all
// runs, which takes four times as long.
type inTurn[T any] struct {
	logged bool
	list   func(*track.Run) *[]T
	run    *track.Run // whose rows are collected
	rows   []turn[T]
}

type turn[T any] struct {
	position int64
	key      string
	row      T
}

func (o *inTurn[T]) take(r *track.Run, position int64, key string, row T) {
	if r != o.run {
		o.end()
		o.run = r
	}
	if !o.logged {
		position = 0
	}
	o.rows = append(o.rows, turn[T]{position, key, row})
}

// end adds what was collected.
func (o *inTurn[T]) end() {
	if len(o.rows) == 0 {
		return
	}
	slices.SortFunc(o.rows, func(a, b turn[T]) int {
		return cmp.Or(cmp.Compare(a.position, b.position), strings.Compare(a.key, b.key))
	})
	list := o.list(o.run)
	*list = slices.Grow(*list, len(o.rows))
	for _, t := range o.rows {
		*list = append(*list, t.row)
	}
	o.rows = o.rows[:0]
}

// fillAssets adds assets, by role and path.
func fillAssets(ctx context.Context, q querier, runs map[int64]*track.Run) error {
	var seq int64
	var a track.Asset
	var id oidColumn
	return rowsOf(ctx, q, runs, &seq, []any{&a.Path, &a.Role, &a.Kind, &id, &a.Size, &a.Files, &a.Local}, func(r *track.Run) {
		a.ID = oid.ID(id)
		r.Assets = append(r.Assets, a)
	}, "run, path, role, kind, id, size, files, local", "assets", "run", "", ", role, path")
}

// rowsOf reads columns of the rows of some runs and adds each row to its run. The
// first column is the run, which the table calls by that name; more follows the
// condition. The rows of a run follow one another, sorted by what order names.
func rowsOf(ctx context.Context, q querier, runs map[int64]*track.Run, seq *int64, dest []any, add func(*track.Run), columns, table, name, more, order string) error {
	if len(runs) == 0 {
		return nil
	}
	seqs := slices.Sorted(maps.Keys(runs))
	first, last := seqs[0], seqs[len(seqs)-1]
	byRun := more + " ORDER BY " + name + order
	if len(runs) > fewRuns && last-first < 4*int64(len(runs)) {
		return rowsWhere(ctx, q, runs, seq, dest, add, "SELECT "+columns+" FROM "+table+" WHERE "+name+" BETWEEN ? AND ?"+byRun, first, last)
	}
	if order == "" && q.Dialect() == db.SQLite {
		byRun = more // they are looked up in that order, which SQLite does not see
	}
	for chunk := range slices.Chunk(seqs, fewRuns) {
		before, test, arg := q.Dialect().Among(name, chunk)
		if err := rowsWhere(ctx, q, runs, seq, dest, add, "SELECT "+columns+" FROM "+before+table+" WHERE "+test+byRun, arg); err != nil {
			return err
		}
	}
	return nil
}

func rowsWhere(ctx context.Context, q querier, runs map[int64]*track.Run, seq *int64, dest []any, add func(*track.Run), query string, args ...any) error {
	return db.Each(ctx, q, append([]any{seq}, dest...), func() error {
		if run := runs[*seq]; run != nil {
			add(run)
		}
		return nil
	}, query, args...)
}

func stages(ctx context.Context, q querier, seq int64) ([]track.StageRecord, error) {
	var stages []track.StageRecord
	var r track.StageRecord
	var reasons string
	var log oidColumn
	err := db.Each(ctx, q, []any{&r.Name, &r.Action, &reasons, &r.Seconds, &r.CPUSeconds, &r.MaxRSS, &r.ExitCode, &log, &r.Fingerprint, &r.Attempts}, func() error {
		r.Log, r.Reasons = oid.ID(log), nil
		err := json.Unmarshal([]byte(reasons), &r.Reasons)
		stages = append(stages, r)
		return err
	}, "SELECT name, action, reasons, seconds, cpu_seconds, max_rss, exit_code, log, fingerprint, attempts FROM stages WHERE run = ? ORDER BY position", seq)
	return stages, err
}
