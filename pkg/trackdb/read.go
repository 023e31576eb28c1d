package trackdb

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/mlops-cli/mlops/pkg/db"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/track"
)

const runColumns = `r.seq, r.id, r.name, e.name, r.kind, r.status, r.start_time, r.end_time, r.deleted > 0, r.parent, r."user", r.source,
	r.git_commit, r.git_branch, r.git_dirty, r.git_remote, r.note, r.command, e.id`

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
	}, "SELECT "+runColumns+", r.environment, r.edited FROM runs r JOIN experiments e ON e.id = r.experiment WHERE r.id = ?", id); err != nil {
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
	if err := fill(ctx, q, bySeq, false); err != nil {
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
	if err := s.reap(ctx); err != nil {
		return nil, err
	}
	l := s.listing(ctx, q)
	if query, args, ok := l.byIndex(runColumns, q); ok {
		if _, runs, err := s.list(ctx, q, query, args); err != nil || len(runs) == q.Limit {
			return runs, err
		}
	}
	query, args := l.query(runColumns, q)
	_, runs, err := s.list(ctx, q, query, args)
	return runs, err
}

// Stream calls fn with all runs that q chooses, some hundred at a time, so that
// memory does not follow their number.
func (s *Service) Stream(ctx context.Context, q track.Query, fn func([]track.Run) error) error {
	if err := s.reap(ctx); err != nil {
		return err
	}
	query, args := s.listing(ctx, q).query("r.seq", q)
	var all []int64
	var seq int64
	if err := db.Each(ctx, s.db, []any{&seq}, func() error {
		all = append(all, seq)
		return nil
	}, query, args...); err != nil {
		return err
	}
	for wanted := range slices.Chunk(all, fewRuns) {
		test, args := s.db.Dialect().Among("r.seq", wanted)
		seqs, runs, err := s.list(ctx, q, "SELECT "+runColumns+runsFrom(s.db.Dialect())+" WHERE "+test, args)
		if err != nil {
			return err
		}
		at := make(map[int64]int, len(seqs))
		for i, seq := range seqs {
			at[seq] = i
		}
		ordered := make([]track.Run, 0, len(runs))
		for _, seq := range wanted {
			if i, still := at[seq]; still {
				ordered = append(ordered, runs[i])
			}
		}
		if err := fn(ordered); err != nil {
			return err
		}
	}
	return nil
}

// list reads the runs of a query for runColumns, with as much of them as q
// asks for.
func (s *Service) list(ctx context.Context, q track.Query, query string, args []any) (seqs []int64, runs []track.Run, err error) {
	runs = []track.Run{}
	var r runRow
	if err := db.Each(ctx, s.db, r.dest(), func() error {
		run, err := r.take()
		seqs, runs = append(seqs, r.seq), append(runs, run)
		return err
	}, query, args...); err != nil {
		return nil, nil, err
	}
	bySeq := make(map[int64]*track.Run, len(runs))
	for i, seq := range seqs {
		bySeq[seq] = &runs[i]
	}
	if q.Counts {
		if err := s.countChildren(ctx, runs); err != nil {
			return nil, nil, err
		}
	}
	if !q.Bare {
		if err := fill(ctx, s.db, bySeq, q.Logged); err != nil {
			return nil, nil, err
		}
	}
	if q.Assets {
		if err := fillAssets(ctx, s.db, bySeq); err != nil {
			return nil, nil, err
		}
	}
	if q.Inputs {
		err = fillInputs(ctx, s.db, bySeq)
	}
	return seqs, runs, err
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

// sideBySide is from how many runs on tables are read side by side.
const sideBySide = 16

// fill adds params, metrics and tags, by key or as they were first logged. For
// many runs the tables are read side by side, on connections of their own, when q
// is a database.
func fill(ctx context.Context, q querier, runs map[int64]*track.Run, logged bool) error {
	byKey := "ORDER BY run, key"
	if logged {
		byKey = "" // see inTurn
	}
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(2) // each connection has a cache of its own
	if _, ok := q.(*db.DB); !ok || len(runs) <= sideBySide {
		group.SetLimit(1)
	}
	group.Go(func() error {
		var seq, position int64
		var p track.Param
		rows := inTurn[track.Param]{logged: logged, add: func(r *track.Run, p track.Param) { r.Params = append(r.Params, p) }}
		err := rowsOf(within, q, runs, &seq, []any{&p.Key, &p.Value, &position}, func(r *track.Run) { rows.take(r, position, p.Key, p) },
			"SELECT run, key, value, position FROM params", byKey)
		rows.end()
		return err
	})
	group.Go(func() error {
		var seq, id int64
		var m track.Summary
		var value, low, high valueColumn
		rows := inTurn[track.Summary]{logged: logged, add: func(r *track.Run, m track.Summary) { r.Metrics = append(r.Metrics, m) }}
		err := rowsOf(within, q, runs, &seq, []any{&id, &m.Key, &value, &m.Timestamp, &m.Step, &low, &high, &m.Count}, func(r *track.Run) {
			m.Value, m.Min, m.Max = track.Value(value), track.Value(low), track.Value(high)
			rows.take(r, id, m.Key, m)
		}, "SELECT run, id, key, value, timestamp, step, min, max, count FROM series", byKey)
		rows.end()
		return err
	})
	group.Go(func() error {
		var seq, position int64
		var t track.Tag
		rows := inTurn[track.Tag]{logged: logged, add: func(r *track.Run, t track.Tag) { r.Tags = append(r.Tags, t) }}
		err := rowsOf(within, q, runs, &seq, []any{&t.Key, &t.Value, &t.Time, &position}, func(r *track.Run) { rows.take(r, position, t.Key, t) },
			"SELECT run, key, value, time, position FROM tags", "AND deleted = 0 "+byKey)
		rows.end()
		return err
	})
	return group.Wait()
}

// inTurn adds rows to their runs as they come, or all of them at the end, as they
// were first logged: SQLite takes four times as long to sort them.
type inTurn[T any] struct {
	logged bool
	add    func(*track.Run, T)
	rows   []turn[T]
}

type turn[T any] struct {
	run      *track.Run
	position int64
	key      string
	row      T
}

func (o *inTurn[T]) take(r *track.Run, position int64, key string, row T) {
	if !o.logged {
		o.add(r, row)
		return
	}
	o.rows = append(o.rows, turn[T]{r, position, key, row})
}

func (o *inTurn[T]) end() {
	slices.SortFunc(o.rows, func(a, b turn[T]) int {
		return cmp.Or(cmp.Compare(a.position, b.position), strings.Compare(a.key, b.key))
	})
	for _, t := range o.rows {
		o.add(t.run, t.row)
	}
}

// fillAssets adds assets, by role and path.
func fillAssets(ctx context.Context, q querier, runs map[int64]*track.Run) error {
	var seq int64
	var a track.Asset
	var id oidColumn
	return rowsOf(ctx, q, runs, &seq, []any{&a.Path, &a.Role, &a.Kind, &id, &a.Size, &a.Files, &a.Local}, func(r *track.Run) {
		a.ID = oid.ID(id)
		r.Assets = append(r.Assets, a)
	}, "SELECT run, path, role, kind, id, size, files, local FROM assets", "ORDER BY run, role, path")
}

// rowsOf reads the rows of some runs from a table whose first column is the
// run, and adds each to its run.
func rowsOf(ctx context.Context, q querier, runs map[int64]*track.Run, seq *int64, dest []any, add func(*track.Run), query, end string) error {
	if len(runs) == 0 {
		return nil
	}
	seqs := slices.Sorted(maps.Keys(runs))
	first, last := seqs[0], seqs[len(seqs)-1]
	if len(runs) > fewRuns && last-first < 4*int64(len(runs)) {
		return rowsWhere(ctx, q, runs, seq, dest, add, query+" WHERE run BETWEEN ? AND ? "+end, first, last)
	}
	for chunk := range slices.Chunk(seqs, fewRuns) {
		test, args := q.Dialect().Among("run", chunk)
		if err := rowsWhere(ctx, q, runs, seq, dest, add, query+" WHERE "+test+" "+end, args...); err != nil {
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
