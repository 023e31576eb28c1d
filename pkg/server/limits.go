package server

import (
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/mlops-cli/mlops/pkg/route"
)

// limit bounds a request's body in size and, for streams, in the time for which
// it may stand still. Other requests have the listener's deadline as a whole.
func (v *served) limit(w *recorder, r *http.Request) error {
	most := v.MaxBody
	if most == 0 {
		most = v.s.o.MaxBody
	}
	if most > 0 {
		if r.ContentLength > most {
			return route.Refuse(http.StatusRequestEntityTooLarge, "the body is larger than %d bytes", most)
		}
		r.Body = http.MaxBytesReader(w.ResponseWriter, r.Body, most)
	}
	if r.Body != nil && r.Body != http.NoBody {
		r.Body = &watchedBody{ReadCloser: r.Body, w: w}
	}
	if !v.Stream {
		return nil
	}
	w.stall = v.s.o.Stall
	w.rewind()
	body := &steadyBody{ReadCloser: r.Body, w: w, control: http.NewResponseController(w.ResponseWriter)}
	if r.Body == nil || r.Body == http.NoBody || r.ContentLength == 0 {
		body.done()
		return nil
	}
	r.Body = body
	return nil
}

// watchedBody is a body whose recorder knows that it broke off.
type watchedBody struct {
	io.ReadCloser

	w *recorder
}

// Read implements io.Reader.
func (b *watchedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		b.w.broken = err
	}
	return n, err
}

// steadyBody is a body that breaks off when nothing comes for a while.
type steadyBody struct {
	io.ReadCloser

	w       *recorder
	control *http.ResponseController
}

// Read implements io.Reader.
func (b *steadyBody) Read(p []byte) (int, error) {
	_ = b.control.SetReadDeadline(b.w.after().Add(b.w.stall)) // recorders of tests have none
	n, err := b.ReadCloser.Read(p)
	if errors.Is(err, io.EOF) { // of a body that broke off net/http looks for the rest: it must not wait
		b.done()
	}
	return n, err
}

// done takes the deadline away: net/http listens for the client's end while the
// handler goes on, and would take the deadline for that.
func (b *steadyBody) done() { _ = b.control.SetReadDeadline(time.Time{}) }
