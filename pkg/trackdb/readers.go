package trackdb

import "context"

// ModelReaders are the ids of the runs that say they read a logged model, the
// newest first. Runs in the bin are left out.
func (s *Service) ModelReaders(ctx context.Context, model string) ([]string, error) {
	return column(ctx, s.db, `SELECT r.id FROM run_models m JOIN runs r ON r.seq = m.run
		WHERE m.model = ? AND m.role = 'input' AND r.deleted = 0 ORDER BY r.start_time DESC, r.id`, model)
}
