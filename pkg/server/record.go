package server

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/mlops-cli/mlops/pkg/errs"
)

// requestIDs makes ids that no two requests share, also of two servers.
type requestIDs struct {
	prefix string
	n      *atomic.Uint64
}

func newRequestIDs() requestIDs {
	var b [5]byte
	rand.Read(b[:]) // never fails: the runtime stops the program instead
	return requestIDs{prefix: hex.EncodeToString(b[:]) + "-", n: new(atomic.Uint64)}
}

func (i requestIDs) next() string { return i.prefix + strconv.FormatUint(i.n.Add(1), 10) }

// recorder is a ResponseWriter that knows what became of its request.
type recorder struct {
	http.ResponseWriter

	id     string
	start  time.Time
	served *served // the route; nil where there is none
	status int     // 0 until the answer begins
	bytes  int64   // of the body
	user   string
	note   string        // what a guard saw
	err    error         // what a handler returned
	broken error         // why the body did not come whole
	stall  time.Duration // a stream's deadline for each piece; 0: it is none
	after  func() time.Time
}

func (s *Server) record(w http.ResponseWriter, _ *http.Request) *recorder {
	return &recorder{ResponseWriter: w, id: s.ids.next(), start: s.o.Clock.Now(), after: s.o.Clock.Now}
}

// Unwrap lets http.ResponseController reach the connection.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader implements http.ResponseWriter.
func (w *recorder) WriteHeader(status int) {
	if w.status == 0 && status >= http.StatusOK {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write implements io.Writer.
func (w *recorder) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	w.rewind()
	n, err := w.ResponseWriter.Write(p)
	w.bytes += int64(n)
	return n, err
}

// Flush implements http.Flusher.
func (w *recorder) Flush() {
	w.rewind()
	_ = http.NewResponseController(w.ResponseWriter).Flush() // a client that is gone shows at the next write
}

// sendPiece is how much of a file goes out under one deadline, in bytes.
const sendPiece = 4 << 20

// ReadFrom lets the kernel send files. A piece at a time, so that a reader that
// stands still is told from a large file.
func (w *recorder) ReadFrom(src io.Reader) (total int64, err error) {
	to, ok := w.ResponseWriter.(io.ReaderFrom)
	if !ok {
		return io.Copy(struct{ io.Writer }{w}, src)
	}
	if w.status == 0 {
		w.status = http.StatusOK
	}
	outer, limited := src.(*io.LimitedReader)
	for {
		piece := &io.LimitedReader{R: src, N: sendPiece}
		if limited {
			piece.R, piece.N = outer.R, min(outer.N, sendPiece)
		}
		want := piece.N
		if want == 0 {
			return total, nil
		}
		w.rewind()
		n, err := to.ReadFrom(piece)
		total += n
		w.bytes += n
		if limited {
			outer.N -= n
		}
		if err != nil || n < want {
			return total, err
		}
	}
}

// rewind gives the next piece of a stream its time.
func (w *recorder) rewind() {
	if w.stall > 0 {
		_ = http.NewResponseController(w.ResponseWriter).SetWriteDeadline(w.after().Add(w.stall)) // recorders of tests have none
	}
}

// finish counts and logs a request, and turns a panic into an answer.
func (s *Server) finish(w *recorder, r *http.Request) {
	p := recover()
	w.rewind()                                 // what is still to be sent: the handler may have taken long after the body
	if p != nil && p != http.ErrAbortHandler { //nolint:errorlint,err113 // a value of panic, compared as net/http does
		w.err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		if w.status == 0 {
			s.answerPanic(w, r)
			p = nil
		} else {
			p = http.ErrAbortHandler
		}
	}
	took := s.o.Clock.Now().Sub(w.start)
	status := w.status
	if status == 0 {
		status = http.StatusOK // an empty answer
	}
	if p != nil {
		status = 499 // broken off
	}
	s.metrics.count(w.served, status, took)
	s.log(w, r, status, took)
	if p != nil {
		panic(p)
	}
}

func (s *Server) answerPanic(w *recorder, r *http.Request) {
	err := errors.New("internal error")
	if w.served == nil {
		plainFail(w, r, err)
		return
	}
	w.served.Fail(w, r, err)
}

// slow is from when on a request is worth a line.
const slow = 2 * time.Second

// log writes a line: always at level debug; at info when it was refused or slow;
// as an error when it is the server's fault.
func (s *Server) log(w *recorder, r *http.Request, status int, took time.Duration) {
	level := slog.LevelDebug
	stream := w.served != nil && w.served.Stream
	switch {
	case status >= http.StatusInternalServerError:
		level = slog.LevelError
	case status == 499:
		level = slog.LevelInfo
	case status >= http.StatusBadRequest && status != http.StatusNotFound, took > slow && !stream:
		level = slog.LevelInfo
	}
	if !s.o.Log.Enabled(r.Context(), level) {
		return
	}
	attrs := []slog.Attr{
		slog.String("id", w.id), slog.String("method", r.Method), slog.String("path", r.URL.Path),
		slog.Int("status", status), slog.Float64("ms", float64(took.Microseconds())/1000),
		slog.Int64("bytes", w.bytes), slog.String("client", r.RemoteAddr),
	}
	if w.user != "" {
		attrs = append(attrs, slog.String("user", w.user))
	}
	if w.note != "" {
		attrs = append(attrs, slog.String("note", w.note))
	}
	if w.err != nil {
		attrs = append(attrs, slog.String("error", w.err.Error()))
		for _, hint := range errs.Hints(w.err) {
			attrs = append(attrs, slog.String("hint", hint))
		}
	}
	s.o.Log.LogAttrs(r.Context(), level, "request", attrs...)
}
