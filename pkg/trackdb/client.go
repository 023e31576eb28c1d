package trackdb

import (
	"cmp"
	"context"
	"math"

	"github.com/mlops-cli/mlops/pkg/db"
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/track"
)

// Update implements track.Updater.
func (s *Service) Update(ctx context.Context, id string, u track.Update) error {
	if u.Name != "" {
		if err := track.CheckName("run", u.Name, track.MaxName); err != nil {
			return err
		}
	}
	return s.db.Update(ctx, func(tx *db.Tx) error {
		r, err := s.open(ctx, tx, id)
		if err != nil {
			return err
		}
		if err := r.grow(id); err != nil && (r.deleted || u.Status != "" && u.Status != r.status) {
			return err
		}
		now := s.now()
		if u.Name != "" {
			if err := s.rename(ctx, tx, r.seq, id, u.Name); err != nil {
				return err
			}
		}
		if u.Status != "" || u.EndTime != 0 {
			if err := s.setStatus(ctx, tx, r, id, u, now); err != nil {
				return err
			}
		}
		if u.Delete {
			if err := s.mark(ctx, tx, r, id, runDeleted, now); err != nil {
				return err
			}
		}
		return touched(ctx, tx, r.seq)
	})
}

// setStatus ends a run, or takes a script up again. The end of one that is over
// stays unless it is told anew.
func (s *Service) setStatus(ctx context.Context, tx *db.Tx, r row, id string, u track.Update, now int64) error {
	status := cmp.Or(u.Status, r.status)
	if r.status.Over() && r.kind != track.Script {
		return nil // it says what it is already
	}
	set, args := "status = ?, edited = ?", []any{status, now}
	switch {
	case u.EndTime != 0:
		set, args = set+", end_time = ?", append(args, u.EndTime)
	case !status.Over():
		set += ", end_time = 0"
	case !r.status.Over():
		set, args = set+", end_time = ?", append(args, now)
	}
	if status.Over() {
		set += ", host = '', pid = 0, proc_start = ''"
	}
	if _, err := tx.ExecContext(ctx, "UPDATE runs SET "+set+" WHERE seq = ?", append(args, r.seq)...); err != nil {
		return err
	}
	switch {
	case status == r.status:
		return nil
	case status.Over():
		return s.event(ctx, tx, track.RunFinished, id, map[string]any{"status": status})
	}
	return s.event(ctx, tx, track.RunStarted, id, map[string]any{"status": status})
}

// History implements track.Reader.
func (s *Service) History(ctx context.Context, id, key string) ([]track.Metric, error) {
	return s.HistoryPage(ctx, id, key, 0, 0)
}

// HistoryPage implements track.Historian.
func (s *Service) HistoryPage(ctx context.Context, id, key string, offset, limit int) ([]track.Metric, error) {
	points, err := history(ctx, s.db, id, key)
	points = points[min(offset, len(points)):]
	if limit > 0 {
		points = points[:min(limit, len(points))]
	}
	return metricsOf(key, points), err
}

// Sample implements track.Historian.
func (s *Service) Sample(ctx context.Context, q track.SampleQuery) ([]track.Series, error) {
	if q.Max < 1 {
		return nil, errs.New(errs.Usage, "a sample of %d points: at least one is needed", q.Max)
	}
	list := []track.Series{}
	low, high := int64(math.MinInt64), int64(math.MaxInt64)
	if q.Steps != nil {
		low, high = q.Steps[0], q.Steps[1]
	}
	for _, run := range q.Runs {
		at, err := findSeries(ctx, s.db, run, q.Key)
		if err != nil {
			return nil, err
		}
		if at.id == 0 {
			continue
		}
		points, err := at.points(ctx, s.db, low, high)
		if err != nil {
			return nil, err
		}
		if len(points) == 0 {
			continue
		}
		list = append(list, track.Series{Run: run, Points: metricsOf(q.Key, points.sorted(byStep).sample(q.Max))})
	}
	return list, nil
}
