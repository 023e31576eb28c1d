package ui

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/route"
	"github.com/mlops-cli/mlops/pkg/track"
)

// stagesPage is what happened to the stages of a run.
type stagesPage struct {
	*runHead

	Stages []stageShown
	Now    []stageLive
}

type stageShown struct {
	track.StageRecord

	Text   string // the end of its log
	Cut    bool   // there is more before it
	Absent bool   // its log is not here
}

// logTail is how much of the end of a log a page shows, in bytes.
const logTail = 32 << 10

func (u *pages) runStages(w http.ResponseWriter, r *http.Request) error {
	return u.showRun(w, r, "stages", "run_stages.html", nil, func(h *runHead) (any, error) {
		b := stagesPage{runHead: h}
		for _, s := range h.Run.Stages {
			shown := stageShown{StageRecord: s}
			if !s.Log.IsZero() && u.Objects != nil {
				if err := u.tail(r.Context(), &shown); err != nil {
					return nil, err
				}
			}
			b.Stages = append(b.Stages, shown)
		}
		if h.Running {
			var err error
			if b.Now, err = u.stagesNow(h.Run.ID); err != nil {
				return nil, err
			}
		}
		return b, nil
	})
}

// tail reads the end of a log.
func (u *pages) tail(ctx context.Context, s *stageShown) error {
	in, err := u.Objects.Open(ctx, s.Log)
	if errs.Is(err, errs.NotFound) {
		s.Absent = true
		return nil
	}
	if err != nil {
		return err
	}
	kept, skipped, err := lastBytes(in, logTail)
	if err = errors.Join(err, in.Close()); err != nil {
		return err
	}
	s.Text, s.Cut = terminalText(strings.ToValidUTF8(string(kept), "\ufffd")), skipped
	return nil
}

// lastBytes keeps the end of what r has; skipped says that there was more.
func lastBytes(r io.Reader, limit int) (kept []byte, skipped bool, err error) {
	buffer := make([]byte, 0, 2*limit)
	for {
		if len(buffer) == cap(buffer) {
			buffer = append(buffer[:0], buffer[len(buffer)-limit:]...)
			skipped = true
		}
		n, err := r.Read(buffer[len(buffer):cap(buffer)])
		buffer = buffer[:len(buffer)+n]
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, false, err
		}
	}
	if len(buffer) > limit {
		return buffer[len(buffer)-limit:], true, nil
	}
	return buffer, skipped, nil
}

// stageLog is the whole log of a stage, as text.
func (u *pages) stageLog(w http.ResponseWriter, r *http.Request) error {
	run, err := u.runOf(r, route.Read)
	if err != nil {
		return err
	}
	for _, s := range run.Stages {
		if s.Name != r.PathValue("stage") || s.Log.IsZero() || u.Objects == nil {
			continue
		}
		in, err := u.Objects.Open(r.Context(), s.Log)
		if err != nil {
			return err
		}
		h := w.Header()
		h.Set("Content-Type", "text/plain; charset=utf-8")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
		_, err = io.Copy(w, in)
		return errors.Join(err, in.Close())
	}
	return errs.New(errs.NotFound, "run %s has no log of stage %q", run.Name, r.PathValue("stage"))
}
