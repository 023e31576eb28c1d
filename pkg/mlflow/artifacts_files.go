package mlflow

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"os"
	"path"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/mlops-cli/mlops/pkg/artifact"
	"github.com/mlops-cli/mlops/pkg/route"
	"github.com/mlops-cli/mlops/pkg/track"
)

// maxUpload is the most bytes that the page's own upload takes.
const maxUpload = 10 << 20

// download sends the file at the path.
func (f *files) download(w http.ResponseWriter, r *http.Request) error {
	raw := r.PathValue("path")
	if raw == "" {
		return f.list(w, r)
	}
	p, err := parsePlace(raw)
	if err != nil {
		return err
	}
	file, err := f.find(r.Context(), p)
	if err != nil {
		return err
	}
	return f.send(w, r, file)
}

// runFile sends a file of a run.
func (f *files) runFile(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	id := q.Get("run_id")
	if id == "" {
		id = q.Get("run_uuid")
	}
	return f.sendOf(w, r, track.Owner{ID: id}, "path")
}

// modelFile sends a file of a logged model.
func (f *files) modelFile(w http.ResponseWriter, r *http.Request) error {
	if r.URL.Query().Get("artifact_file_path") == "" {
		return Errorf(BadRequest, `Request must include the "artifact_file_path" query parameter.`)
	}
	return f.sendOf(w, r, track.Owner{Model: true, ID: r.PathValue("model_id")}, "artifact_file_path")
}

func (f *files) sendOf(w http.ResponseWriter, r *http.Request, o track.Owner, parameter string) error {
	p, err := below(r, parameter)
	if err != nil {
		return err
	}
	file, err := f.store.Find(r.Context(), o, p)
	if err != nil {
		return err
	}
	return f.send(w, r, file)
}

// versionFile sends a file of a version of a registered model.
func (f *files) versionFile(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	p, err := below(r, "path")
	if err != nil {
		return err
	}
	number, err := strconv.Atoi(q.Get("version"))
	if err != nil || number < 1 {
		return Errorf(InvalidParameter, "Parameter 'version' must be an integer, got '%s'.", q.Get("version"))
	}
	if f.models == nil {
		return Errorf(DoesNotExist, "Registered Model with name=%s not found", q.Get("name"))
	}
	v, err := f.models.Version(r.Context(), q.Get("name"), number)
	if err != nil {
		return err
	}
	at, err := sourcePlace(v.Source, v.Storage, v.LoggedModel)
	if err != nil {
		return err
	}
	at.path = path.Join(at.path, p)
	if at.owner == (track.Owner{}) {
		at.model, at.version, at.path = v.Model, v.Number, p
	} else if err := route.Allow(r.Context(), route.Read, at.subject()); err != nil {
		return err // what is registered elsewhere may not be seen by that alone
	}
	file, err := f.find(r.Context(), at)
	if err != nil {
		return err
	}
	return f.send(w, r, file)
}

// sourcePlace is where the files of a version are, when a run or a logged model
// has them.
func sourcePlace(source, storage, loggedModel string) (place, error) {
	if storage != "" {
		source = storage
	}
	if rest, ok := strings.CutPrefix(source, "mlflow-artifacts:/"); ok {
		return parsePlace(strings.TrimLeft(rest, "/"))
	}
	if rest, ok := strings.CutPrefix(source, "runs:/"); ok {
		id, p, _ := strings.Cut(rest, "/")
		return place{owner: track.Owner{ID: id}, path: p}, nil
	}
	if loggedModel != "" {
		return place{owner: track.Owner{Model: true, ID: loggedModel}}, nil
	}
	if id, ok := strings.CutPrefix(source, "models:/"); ok && track.IsModelID(id) {
		return place{owner: track.Owner{Model: true, ID: id}}, nil
	}
	return place{}, nil
}

// send answers with a file, or the part of it that is asked for. It is always
// something to keep, never a page of ours.
func (f *files) send(w http.ResponseWriter, r *http.Request, file artifact.File) (err error) {
	if file.Dir {
		return Errorf(InvalidParameter, "Artifact path refers to a directory, not a file: '%s'", file.Path)
	}
	content, err := f.store.Open(r.Context(), file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, content.Close()) }()
	name := file.Name()
	h := w.Header()
	h.Set("Content-Type", contentType(name))
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'")
	h.Set("Cache-Control", "private, no-cache")
	h.Set("ETag", `"`+file.ID.String()+`"`)
	if _, ok := content.(*os.File); ok {
		http.ServeContent(w, r, "", time.Time{}, content)
		return nil
	}
	checked := &checkedContent{ReadSeeker: content}
	if r.Method == http.MethodGet && r.Header.Get("Range") == "" && r.Header.Get("If-None-Match") == "" {
		// What a bucket does not have is told before the answer begins.
		if err := checked.prepare(); err != nil {
			clear(h)
			return err
		}
	}
	http.ServeContent(w, r, "", time.Time{}, checked)
	return checked.err
}

// checkedContent remembers what http.ServeContent does not tell: that reading
// failed.
type checkedContent struct {
	io.ReadSeeker

	first []byte // read ahead
	at    int64  // in first, while it lasts
	err   error
}

// prepare reads the first bytes.
func (c *checkedContent) prepare() error {
	buf := make([]byte, 4096)
	n, err := c.ReadSeeker.Read(buf)
	c.first = buf[:n]
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return err
}

// Read implements io.Reader.
func (c *checkedContent) Read(p []byte) (int, error) {
	if c.at < int64(len(c.first)) {
		n := copy(p, c.first[c.at:])
		c.at += int64(n)
		return n, nil
	}
	n, err := c.ReadSeeker.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		c.err = err
	}
	return n, err
}

// Seek implements io.Seeker. The place after what was read ahead is kept, for
// the content begins to be sent there.
func (c *checkedContent) Seek(off int64, whence int) (int64, error) {
	if c.first == nil {
		return c.ReadSeeker.Seek(off, whence)
	}
	if whence == io.SeekStart && off == 0 {
		c.at = 0
		return c.ReadSeeker.Seek(int64(len(c.first)), io.SeekStart)
	}
	c.at = int64(len(c.first))
	return c.ReadSeeker.Seek(off, whence)
}

// put keeps the body as the file at the path.
func (f *files) put(w http.ResponseWriter, r *http.Request) error {
	p, err := parsePlace(r.PathValue("path"))
	if err == nil {
		err = p.writable()
	}
	if err == nil {
		_, err = f.store.Put(asUser(r), p.owner, p.path, r.Body)
	}
	if err != nil {
		return received(err)
	}
	w.WriteHeader(http.StatusOK)
	return nil
}

// received is an error of a body's way here.
func received(err error) error {
	switch {
	case errors.Is(err, syscall.ENOSPC):
		// Clients would try again for minutes after a 500.
		return errors.Join(route.Refuse(http.StatusInsufficientStorage, "the server's disk is full"), err)
	case artifact.Gone(err), errors.Is(err, os.ErrDeadlineExceeded):
		return errors.Join(route.Refuse(http.StatusBadRequest, "the body ended before it was whole"), err)
	}
	return err
}

// upload keeps the body as a small file of a run, for pages.
func (f *files) upload(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	if q.Get("run_uuid") == "" {
		return Errorf(InvalidParameter, "Request must specify run_uuid.")
	}
	if q.Get("path") == "" {
		return Errorf(InvalidParameter, "Request must specify path.")
	}
	p, err := below(r, "path")
	if err != nil {
		return err
	}
	if r.ContentLength > maxUpload {
		return Errorf(InvalidParameter, "Artifact size is too large. Max size is 10MB.")
	}
	body := http.MaxBytesReader(w, r.Body, maxUpload)
	head := make([]byte, 1)
	if n, err := io.ReadFull(body, head); n == 0 && errors.Is(err, io.EOF) {
		return Errorf(InvalidParameter, "Request must specify data.")
	} else if err != nil {
		return received(err)
	}
	_, err = f.store.Put(asUser(r), track.Owner{ID: q.Get("run_uuid")}, p, io.MultiReader(strings.NewReader(string(head)), body))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return Errorf(InvalidParameter, "Artifact size is too large. Max size is 10MB.")
	}
	if err != nil {
		return received(err)
	}
	return empty(w)
}
