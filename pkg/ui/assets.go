package ui

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
)

//go:embed asset
var assetFS embed.FS

// assets are the scripts and style sheets, compressed once. They import each
// other by relative names, so one hash names them all.
type assets struct {
	hash  string
	files map[string]assetFile
}

type assetFile struct {
	kind         string
	plain, small []byte
}

func loadAssets() (*assets, error) {
	a := &assets{files: map[string]assetFile{}}
	sum := sha256.New()
	err := fs.WalkDir(assetFS, "asset", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := assetFS.ReadFile(name)
		if err != nil {
			return err
		}
		sum.Write([]byte(name))
		sum.Write(data)
		var small bytes.Buffer
		z, err := gzip.NewWriterLevel(&small, gzip.BestCompression)
		if err != nil {
			return err
		}
		if _, err := z.Write(data); err != nil {
			return err
		}
		if err := z.Close(); err != nil {
			return err
		}
		kind := mime.TypeByExtension(path.Ext(name))
		switch path.Ext(name) { // what the machine says may be anything
		case ".js":
			kind = "text/javascript; charset=utf-8"
		case ".css":
			kind = "text/css; charset=utf-8"
		case ".svg":
			kind = "image/svg+xml"
		}
		a.files[strings.TrimPrefix(name, "asset/")] = assetFile{kind: kind, plain: data, small: small.Bytes()}
		return nil
	})
	a.hash = hex.EncodeToString(sum.Sum(nil))[:12]
	return a, err
}

// url is where a page finds an asset.
func (a *assets) url(name string) string { return "/static/" + a.hash + "/" + name }

// asset answers with a script or style sheet. An old hash gets what is there
// now, but does not keep it.
func (u *pages) asset(w http.ResponseWriter, r *http.Request) error {
	f, ok := u.assets.files[r.PathValue("file")]
	if !ok {
		return errs.New(errs.NotFound, "no asset %q", r.PathValue("file"))
	}
	h := w.Header()
	h.Set("Content-Type", f.kind)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Vary", "Accept-Encoding")
	h.Set("Cache-Control", "no-cache")
	if r.PathValue("hash") == u.assets.hash {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	body := f.plain
	if acceptsGzip(r) {
		h.Set("Content-Encoding", "gzip")
		body = f.small
	}
	_, err := w.Write(body)
	return err
}

func acceptsGzip(r *http.Request) bool {
	for part := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		name, q, _ := strings.Cut(strings.TrimSpace(part), ";")
		if strings.EqualFold(strings.TrimSpace(name), "gzip") {
			return strings.ReplaceAll(q, " ", "") != "q=0"
		}
	}
	return false
}
