package repo

import (
	"context"
	"fmt"
	"strconv"
	"strings"
)

// LogEntry is one commit.
type LogEntry struct {
	Commit  string
	Time    int64 // of the commit, in ms since 1970
	Author  string
	Subject string
}

// Log lists the commits before HEAD that changed what stands at or below paths,
// the newest first and at most limit; none before the first commit, and without
// git.
func (g Git) Log(ctx context.Context, limit int, paths ...string) ([]LogEntry, error) {
	head, err := g.Head(ctx)
	if err != nil || head == "" {
		return nil, err
	}
	out, err := g.run(ctx, append([]string{"log", "-z", "--format=%H%x1f%ct%x1f%an%x1f%s", "--max-count=" + strconv.Itoa(limit), head, "--"}, paths...)...)
	if err != nil {
		return nil, err
	}
	var all []LogEntry
	for record := range strings.SplitSeq(strings.TrimRight(out, "\x00"), "\x00") {
		if record == "" {
			continue
		}
		f := strings.SplitN(record, "\x1f", 4)
		if len(f) != 4 {
			return nil, fmt.Errorf("git log: %q is no commit", record)
		}
		seconds, err := strconv.ParseInt(f[1], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("git log: %w", err)
		}
		all = append(all, LogEntry{Commit: f[0], Time: seconds * 1000, Author: f[2], Subject: f[3]})
	}
	return all, nil
}
