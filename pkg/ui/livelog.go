package ui

import (
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"strconv"
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/pipeline"
	"github.com/mlops-cli/mlops/pkg/route"
)

// stageLive is a stage that is worked on now.
type stageLive struct {
	Name string
	Text string // the end of what it printed
	Cut  bool
	Next int64  // where what it prints from now on begins
	Run  string // its id
	Of   string // its name
}

// liveTail is a piece of a log that grows.
type liveTail struct {
	Text string `json:"text"`
	Next int64  `json:"next"`
	Over bool   `json:"over,omitempty"` // the stage ended: its log is in the store
}

// atWork are the stages that a run works on now.
func (u *pages) atWork(run string) ([]pipeline.AtWork, error) {
	if u.Engine == nil {
		return nil, nil
	}
	all, err := u.Engine.AtWork()
	var out []pipeline.AtWork
	for _, w := range all {
		if w.RunID == run {
			out = append(out, w)
		}
	}
	return out, err
}

// stagesNow shows the stages that a run works on.
func (u *pages) stagesNow(run string) ([]stageLive, error) {
	all, err := u.atWork(run)
	if err != nil {
		return nil, err
	}
	var out []stageLive
	for _, w := range all {
		now, err := liveOf(w)
		if err != nil {
			return nil, err
		}
		out = append(out, now)
	}
	return out, nil
}

// liveOf is the end of what a stage printed.
func liveOf(w pipeline.AtWork) (stageLive, error) {
	text, next, skipped, err := readLive(w.Log, -1)
	return stageLive{Name: w.Stage, Text: terminalText(text), Cut: skipped, Next: next, Run: w.RunID, Of: w.Run}, err
}

// liveLog is what a stage printed after the place that the request names.
func (u *pages) liveLog(w http.ResponseWriter, r *http.Request) error {
	run, err := u.runOf(r, route.Read)
	if err != nil {
		return err
	}
	from, err := strconv.ParseInt(r.URL.Query().Get("from"), 10, 64)
	if err != nil || from < 0 {
		return errs.New(errs.Usage, "from: a place in the log, in bytes")
	}
	all, err := u.atWork(run.ID)
	if err != nil {
		return err
	}
	for _, at := range all {
		if at.Stage != r.PathValue("stage") {
			continue
		}
		text, next, _, err := readLive(at.Log, from)
		if err != nil {
			return err
		}
		return sendJSON(w, r, liveTail{Text: text, Next: next})
	}
	return sendJSON(w, r, liveTail{Next: from, Over: true})
}

// readLive reads a log that is written to from a place on, or, from -1, its end.
// There is no file until something is printed, and none when all is stored.
func readLive(path string, from int64) (text string, next int64, skipped bool, err error) {
	if path == "" {
		return "", max(from, 0), false, nil
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", max(from, 0), false, nil
	}
	if err != nil {
		return "", 0, false, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return "", 0, false, err
	}
	if from < 0 {
		from = max(0, info.Size()-logTail)
		skipped = from > 0
	}
	data, err := io.ReadAll(io.NewSectionReader(f, from, 2*logTail))
	if err != nil {
		return "", 0, false, err
	}
	data = data[:validEnd(data)]
	return strings.ToValidUTF8(string(data), "\ufffd"), from + int64(len(data)), skipped, nil
}

// terminalText is a log as a terminal would leave it: without colors, and of a
// line that was written over only the last state, as of bars of progress.
func terminalText(log string) string {
	if !strings.ContainsAny(log, "\r\x1b") {
		return log
	}
	var out strings.Builder
	for line := range strings.Lines(log) {
		line, ended := strings.CutSuffix(line, "\n")
		line = strings.TrimRight(line, "\r")
		if at := strings.LastIndexByte(line, '\r'); at >= 0 {
			line = line[at+1:]
		}
		for {
			at := strings.IndexByte(line, 0x1b)
			if at < 0 {
				break
			}
			out.WriteString(line[:at])
			line = line[at+1:]
			if strings.HasPrefix(line, "[") { // up to a letter
				end := strings.IndexFunc(line[1:], func(c rune) bool { return c >= '@' && c <= '~' })
				if end < 0 {
					line = ""
					break
				}
				line = line[end+2:]
			}
		}
		out.WriteString(line)
		if ended {
			out.WriteByte('\n')
		}
	}
	return out.String()
}
