package api

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/mlops-cli/mlops/pkg/artifact"
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/route"
	"github.com/mlops-cli/mlops/pkg/track"
)

// file is an artifact, or a directory of them.
type file struct {
	Path string `json:"path" doc:"below the artifacts of the run"`
	Dir  bool   `json:"dir"`
	Size int64  `json:"size" doc:"bytes; of a directory, of all below it"`
	ID   string `json:"id,omitempty" doc:"of its content: SHA-256, as sha256sum prints it"`
}

func fileOf(f artifact.File) file {
	v := file{Path: f.Path, Dir: f.Dir, Size: f.Size}
	if !f.ID.IsZero() {
		v.ID = f.ID.String()
	}
	return v
}

// ArtifactPath names an artifact of a run in a path.
type ArtifactPath struct {
	RunPath

	Path string `path:"path" maxLength:"4096" doc:"below the artifacts of the run"`
}

// upload is a request whose body is a file, which is read as it comes.
type upload struct {
	ArtifactPath
	body io.Reader
}

// Resolve implements huma.Resolver.
func (u *upload) Resolve(c huma.Context) []error {
	u.body = c.BodyReader()
	return nil
}

func noFiles() error { return errs.New(errs.NotFound, "this server keeps no files") }

func (a *api) addArtifacts() {
	add(a, operation{
		id: "list-artifacts", method: http.MethodGet, path: "/runs/{run}/artifacts", summary: "List artifacts of a run", tag: "runs",
		need: route.Read, subjects: route.Path(route.Run, "run"),
		describe: "Of one directory.",
	}, func(ctx context.Context, in *struct {
		RunPath
		Search

		Path string `query:"path" maxLength:"4096" doc:"of the directory, the root when absent"`
	},
	) (*reply[list[file]], error) {
		if a.Files == nil {
			return nil, noFiles()
		}
		if _, err := a.Tracking.Run(ctx, in.Run); err != nil {
			return nil, err
		}
		found, err := a.Files.List(ctx, track.Owner{ID: in.Run}, in.Path)
		if err != nil {
			return nil, err
		}
		l := track.ListLanguage("artifacts", []string{"path"}, []string{"size"})
		return ok(sifted(in.Search, l, found, func(f artifact.File, key string) (string, float64) {
			if key == "size" {
				return "", float64(f.Size)
			}
			return f.Path, 0
		}, fileOf))
	})
	add(a, operation{
		id: "get-artifact", method: http.MethodGet, path: "/runs/{run}/artifacts/{path}", summary: "Download an artifact", tag: "runs",
		need: route.Read, subjects: route.Path(route.Run, "run"), rest: true, stream: true,
		describe: "Its bytes, or the range of them that is asked for. The ETag is the SHA-256 of all.",
	}, func(ctx context.Context, in *ArtifactPath) (*huma.StreamResponse, error) {
		if a.Files == nil {
			return nil, noFiles()
		}
		f, err := a.Files.Find(ctx, track.Owner{ID: in.Run}, in.Path)
		if err != nil {
			return nil, err
		}
		if f.Dir {
			return nil, errs.New(errs.Usage, "%s is a directory", in.Path).Hint("GET /api/v1/runs/%s/artifacts?path=%s lists it", in.Run, in.Path)
		}
		body, err := a.Files.Open(ctx, f)
		if err != nil {
			return nil, err
		}
		return &huma.StreamResponse{Body: func(c huma.Context) {
			r, w := humago.Unwrap(c)
			h := w.Header()
			h.Set("Content-Type", "application/octet-stream")
			h.Set("Content-Disposition", "attachment")
			h.Set("Content-Security-Policy", "sandbox; default-src 'none'")
			h.Set("Cache-Control", "private, no-cache")
			h.Set("ETag", `"`+f.ID.String()+`"`)
			http.ServeContent(w, r, "", time.Time{}, body)
			_ = body.Close() // it was read only
		}}, nil
	})
	add(a, operation{
		id: "put-artifact", method: http.MethodPut, path: "/runs/{run}/artifacts/{path}", summary: "Upload an artifact", tag: "runs",
		need: route.Write, subjects: route.Path(route.Run, "run"), rest: true, stream: true, bytes: true,
		describe: "In the place of what was there. It is visible when all of it is safe.",
	}, func(ctx context.Context, in *upload) (*reply[file], error) {
		if a.Files == nil {
			return nil, noFiles()
		}
		f, err := a.Files.Put(ctx, track.Owner{ID: in.Run}, in.Path, in.body)
		return ok(fileOf(f), err)
	})
	add(a, operation{
		id: "delete-artifact", method: http.MethodDelete, path: "/runs/{run}/artifacts/{path}", summary: "Delete an artifact, or all below a directory", tag: "runs",
		need: route.Write, subjects: route.Path(route.Run, "run"), status: http.StatusNoContent, rest: true,
	}, func(ctx context.Context, in *ArtifactPath) (*nothing, error) {
		if a.Files == nil {
			return nil, noFiles()
		}
		n, err := a.Files.Delete(ctx, track.Owner{ID: in.Run}, in.Path)
		if err == nil && n == 0 {
			err = errs.New(errs.NotFound, "artifact %s does not exist", in.Path)
		}
		return done(err)
	})
}
