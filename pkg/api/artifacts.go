package api

import (
	"context"
	"net/http"

	"github.com/mlops-cli/mlops/pkg/artifact"
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

func (a *api) addArtifacts() {
	add(a, operation{
		id: "list-artifacts", method: http.MethodGet, path: "/runs/{run}/artifacts", summary: "List artifacts of a run", tag: "runs",
		need: route.Read, subjects: route.Path(route.Run, "run"),
		describe: "Of one directory. Their bytes are at /get-artifact?run_id=…&path=…, and are sent to MLflow's artifact proxy.",
	}, func(ctx context.Context, in *struct {
		RunPath
		Search

		Path string `query:"path" maxLength:"4096" doc:"of the directory, the root when absent"`
	},
	) (*reply[list[file]], error) {
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
		}, func(f artifact.File) file {
			v := file{Path: f.Path, Dir: f.Dir, Size: f.Size}
			if !f.ID.IsZero() {
				v.ID = f.ID.String()
			}
			return v
		}))
	})
	add(a, operation{
		id: "delete-artifact", method: http.MethodDelete, path: "/runs/{run}/artifacts/{path}", summary: "Delete an artifact, or all below a directory", tag: "runs",
		need: route.Write, subjects: route.Path(route.Run, "run"), status: http.StatusNoContent, rest: true,
	}, func(ctx context.Context, in *struct {
		RunPath

		Path string `path:"path" maxLength:"4096"`
	},
	) (*nothing, error) {
		_, err := a.Files.Delete(ctx, track.Owner{ID: in.Run}, in.Path)
		return done(err)
	})
}
