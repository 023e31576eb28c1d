package mlflow

import (
	"context"
	"strings"

	"github.com/mlops-cli/mlops/pkg/artifact"
	"github.com/mlops-cli/mlops/pkg/track"
)

func (s *Service) listRunArtifacts(ctx context.Context, in *request, out *encoder) error {
	dir, err := listedDir(in, "path")
	if err != nil {
		return err
	}
	r, root, err := s.run(ctx, in.str("run_id"), true)
	if err != nil {
		return err
	}
	return s.list(ctx, track.Owner{ID: r.ID}, root, runRoot(root, r.ID), dir, out)
}

func (s *Service) listModelArtifacts(ctx context.Context, in *request, out *encoder) error {
	dir, err := listedDir(in, "artifact_directory_path")
	if err != nil {
		return err
	}
	m, err := s.tracking.LoggedModel(ctx, in.str("model_id"))
	if err != nil {
		return err
	}
	root, err := s.root(ctx, m.ExperimentID)
	if err != nil {
		return err
	}
	return s.list(ctx, track.Owner{Model: true, ID: m.ID}, root, modelRoot(root, m.ID), dir, out)
}

func listedDir(in *request, name string) (string, error) {
	dir, err := artifact.CleanPath(in.str(name))
	if err != nil {
		return "", Errorf(InvalidParameter, "Invalid path")
	}
	return dir, nil
}

// list writes one directory below uri, unless clients keep the files elsewhere.
func (s *Service) list(ctx context.Context, o track.Owner, location, uri, dir string, out *encoder) error {
	if !strings.HasPrefix(location, "mlflow-artifacts:") {
		return Errorf(InvalidParameter, "the files are at %s, where this server does not look: the experiment was made with that artifact_location", uri)
	}
	out.str("root_uri", uri)
	files, err := s.artifacts.List(ctx, o, dir)
	if err != nil || len(files) == 0 {
		return err
	}
	out.list("files")
	for _, f := range files {
		out.open()
		out.str("path", f.Path)
		out.boolean("is_dir", f.Dir)
		if !f.Dir && f.Size > 0 {
			out.integer("file_size", f.Size)
		}
		out.close()
	}
	out.endList()
	return nil
}
