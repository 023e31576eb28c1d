package ui

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mlops-cli/mlops/pkg/artifact"
	"github.com/mlops-cli/mlops/pkg/errs"
)

// viewer is a way to show a file.
type viewer string

// The viewers. A file that none of them fits can only be downloaded.
const (
	asImage    viewer = "image"
	asTable    viewer = "table"
	asJSON     viewer = "json"
	asMarkdown viewer = "markdown"
	asPage     viewer = "page"
	asAudio    viewer = "audio"
	asVideo    viewer = "video"
	asParquet  viewer = "parquet"
	asText     viewer = "text"
	asNothing  viewer = "nothing"
)

// mediaTypes are the types of files that a browser shows itself. No other type
// is ever sent: a file is what its name says, or bytes to keep.
func mediaTypes() map[string]string {
	return map[string]string{
		".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".gif": "image/gif", ".webp": "image/webp", ".avif": "image/avif", ".bmp": "image/bmp", ".svg": "image/svg+xml",
		".wav": "audio/wav", ".mp3": "audio/mpeg", ".ogg": "audio/ogg", ".oga": "audio/ogg", ".flac": "audio/flac", ".m4a": "audio/mp4",
		".mp4": "video/mp4", ".webm": "video/webm",
		".html": "text/html; charset=utf-8", ".htm": "text/html; charset=utf-8",
	}
}

func viewerOf(name string) viewer {
	ext := strings.ToLower(path.Ext(name))
	kind := mediaTypes()[ext]
	switch {
	case strings.HasPrefix(kind, "image/"):
		return asImage
	case strings.HasPrefix(kind, "audio/"):
		return asAudio
	case strings.HasPrefix(kind, "video/"):
		return asVideo
	case kind != "":
		return asPage
	}
	switch ext {
	case ".csv", ".tsv":
		return asTable
	case ".json", ".ipynb", ".geojson":
		return asJSON
	case ".parquet", ".pq":
		return asParquet
	case ".md", ".markdown":
		return asMarkdown
	}
	return asText // when its bytes are
}

// How much of a file a page shows.
const (
	maxText = 256 << 10 // bytes
	maxRead = 2 << 20
	csvRows = 200
)

// view reads what a page shows of a file.
func (u *pages) view(ctx context.Context, f artifact.File, raw string) (*fileView, error) {
	v := newFileView(f, raw)
	if slices.Contains([]viewer{asImage, asAudio, asVideo, asPage}, v.Kind) {
		return v, nil
	}
	in, err := u.Files.Open(ctx, f)
	if err == nil {
		if v.Kind == asParquet {
			return v, errors.Join(v.parquet(in), in.Close())
		}
		var data []byte
		data, err = io.ReadAll(io.LimitReader(in, maxRead))
		err = errors.Join(err, in.Close())
		v.Cut = int64(len(data)) < f.Size
		if err == nil {
			v.fill(data)
		}
	}
	if errs.Is(err, errs.NotFound) {
		v.Absent = true
		return v, nil
	}
	return v, err
}

func (v *fileView) fill(data []byte) {
	data, note, ok := decode(data, v.Cut)
	if !ok {
		v.Kind = asNothing
		return
	}
	v.Note = note
	switch v.Kind {
	case asTable:
		if v.table(data) {
			return
		}
	case asJSON:
		v.json(data)
		return
	case asMarkdown:
		if len(data) <= maxText {
			v.HTML = markdown(string(data))
			return
		}
	default:
	}
	v.Kind = asText
	if len(data) > maxText {
		data, v.Cut = data[:maxText], true
	}
	v.Text = strings.ToValidUTF8(string(data), "\ufffd")
	if slices.Contains([]string{".log", ".txt", ".out", ".err"}, strings.ToLower(path.Ext(v.Path))) {
		v.Text = terminalText(v.Text)
	}
}

// json lays JSON out, of a long one the beginning. What is none is shown as it
// is, with what is wrong.
func (v *fileView) json(data []byte) {
	v.Kind = asText
	var b bytes.Buffer
	err := json.Indent(&b, data, "", "  ")
	switch {
	case err == nil && b.Len() <= maxText:
		v.Text = b.String()
	case err == nil || v.Cut:
		v.Text, v.Cut = indent(data, maxText), true
	default:
		if len(data) > 0 {
			v.Problems = append(v.Problems, "not valid JSON: "+err.Error())
		}
		v.Cut = len(data) > maxText
		v.Text = strings.ToValidUTF8(string(data[:min(len(data), maxText)]), "\ufffd")
	}
}

// table reads the first rows of comma or tab separated values.
func (v *fileView) table(data []byte) bool {
	r := csv.NewReader(bytes.NewReader(data))
	if strings.EqualFold(path.Ext(v.Path), ".tsv") {
		r.Comma = '\t'
	} else if first, _, _ := bytes.Cut(data, []byte("\n")); bytes.Count(first, []byte(";")) > bytes.Count(first, []byte(",")) {
		r.Comma = ';'
	}
	r.FieldsPerRecord, r.LazyQuotes = -1, true
	var rows [][]string
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return len(rows) > 1 && v.Cut
		}
		rows = append(rows, row)
	}
	if len(rows) == 0 {
		return false
	}
	v.Header = rows[0]
	rows = rows[1:]
	if v.Matrix = confusion(v.Header, rows); v.Matrix != "" && v.Cut {
		v.Note = strings.TrimSpace(v.Note + " The matrix counts the first " + count(int64(len(rows))) + " rows.")
	}
	if len(rows) > csvRows {
		rows, v.Cut = rows[:csvRows], true
	}
	v.Rows, v.Numbers = rows, make([]bool, len(v.Header))
	for i := range v.Header {
		v.Numbers[i] = len(rows) > 0
		for _, row := range rows {
			if i < len(row) && row[i] != "" {
				if _, err := strconv.ParseFloat(row[i], 64); err != nil {
					v.Numbers[i] = false
					break
				}
			}
		}
	}
	return true
}

// sendFile answers with the bytes of a file. It is not a page of ours, whatever
// is in it: no script runs but in a page of its own without an origin, nothing
// is loaded or sent from it.
func (u *pages) sendFile(w http.ResponseWriter, r *http.Request, f artifact.File) error {
	in, err := u.Files.Open(r.Context(), f)
	if err != nil {
		return err
	}
	h := w.Header()
	ext := strings.ToLower(path.Ext(f.Path))
	kind, shown := mediaTypes()[ext]
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "SAMEORIGIN")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "private, no-cache")
	h.Set("ETag", `"`+f.ID.String()+`"`)
	policy := "sandbox; default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'"
	if viewerOf(f.Path) == asPage {
		policy = "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; " +
			"img-src data: blob:; font-src data:; media-src data:; frame-ancestors 'self'"
	}
	h.Set("Content-Security-Policy", policy)
	disposition := "inline"
	if !shown || r.URL.Query().Has("download") {
		kind, disposition = "application/octet-stream", "attachment"
	}
	h.Set("Content-Type", kind)
	h.Set("Content-Disposition", mime.FormatMediaType(disposition, map[string]string{"filename": path.Base(f.Path)}))
	http.ServeContent(w, r, "", time.Time{}, in)
	return in.Close()
}
