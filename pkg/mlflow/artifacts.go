package mlflow

import (
	"context"
	"errors"
	"net/http"
	"path"
	"strconv"
	"strings"

	"github.com/mlops-cli/mlops/pkg/artifact"
	"github.com/mlops-cli/mlops/pkg/clock"
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/registry"
	"github.com/mlops-cli/mlops/pkg/route"
	"github.com/mlops-cli/mlops/pkg/track"
)

// Versions finds versions of registered models.
type Versions interface {
	Version(ctx context.Context, name string, number int) (registry.Version, error)
}

// files answers requests for artifacts.
type files struct {
	store   *artifact.Store
	uploads *artifact.Uploads
	models  Versions
}

// FileRoutes returns the routes by which clients send and get artifacts: MLflow's
// artifact proxy and the addresses of single files. Models may be nil where
// there is no registry.
func FileRoutes(store *artifact.Store, models Versions, c clock.Clock) []route.Route {
	f := &files{store: store, uploads: artifact.NewUploads(store, c), models: models}
	all := []route.Route{
		f.get("/get-artifact", route.Query(route.Run, "run_id"), f.runFile),
		f.get("/model-versions/get-artifact", route.Query(route.Model, "name"), f.versionFile),
		f.get("/ajax-api/2.0/mlflow/logged-models/{model_id}/artifacts/files", route.Path(route.LoggedModel, "model_id"), f.modelFile),
		f.write(http.MethodPost, "/ajax-api/2.0/mlflow/upload-artifact", route.Query(route.Run, "run_uuid"), f.upload),
	}
	for _, prefix := range []string{"/api", "/ajax-api"} {
		base := prefix + "/2.0/mlflow-artifacts/"
		all = append(all,
			f.get(base+"artifacts", listed, f.list),
			f.get(base+"artifacts/{path...}", named, f.download),
			f.write(http.MethodPut, base+"artifacts/{path...}", named, f.put),
			f.write(http.MethodDelete, base+"artifacts/{path...}", named, f.remove),
			f.write(http.MethodPost, base+"mpu/create/{path...}", named, f.beginParts),
			f.write(http.MethodPost, base+"mpu/complete/{path...}", named, f.completeParts),
			f.write(http.MethodPost, base+"mpu/abort/{path...}", named, f.abortParts),
			// Clients send parts without their name or password: the upload's id,
			// which only who may write gets, stands for them.
			route.Route{
				Method: http.MethodPut, Pattern: base + "parts/{upload}/{number}", Access: route.Open,
				Handler: f.putPart, Fail: fail, MaxBody: -1, Stream: true,
			},
			f.get(base+"presigned/{path...}", named, presigned),
		)
	}
	return all
}

type handler = func(http.ResponseWriter, *http.Request) error

type subjectsOf = func(*http.Request) ([]route.Subject, error)

func (f *files) get(pattern string, about subjectsOf, h handler) route.Route {
	return route.Route{Method: http.MethodGet, Pattern: pattern, Access: route.Read, Subjects: about, Handler: h, Fail: fail, Stream: true}
}

func (f *files) write(method, pattern string, about subjectsOf, h handler) route.Route {
	return route.Route{Method: method, Pattern: pattern, Access: route.Write, Subjects: about, Handler: h, Fail: fail, MaxBody: -1, Stream: true}
}

// named is what a path below the artifact root belongs to.
func named(r *http.Request) ([]route.Subject, error) {
	p, err := parsePlace(r.PathValue("path"))
	return []route.Subject{p.subject()}, err
}

// listed is what a listing is about.
func listed(r *http.Request) ([]route.Subject, error) {
	p, err := parsePlace(r.URL.Query().Get("path"))
	return []route.Subject{p.subject()}, err
}

// place is a path below the artifact root: EXPERIMENT/RUN/artifacts/PATH,
// EXPERIMENT/models/MODEL/artifacts/PATH, and
// registered-models/NAME/VERSION/artifacts/PATH for versions that were registered
// without MLflow. What stands before the id of a run or model is where its
// experiment keeps artifacts, and not looked at. All other paths are files that
// belong to nothing.
type place struct {
	owner   track.Owner
	model   string // a registered model's name
	version int
	path    string // below the owner
}

func parsePlace(raw string) (place, error) {
	clean, err := artifact.CleanPath(raw)
	if err != nil {
		return place{}, Errorf(InvalidParameter, "Invalid path")
	}
	var p place
	parts := strings.Split(clean, "/")
	for i, part := range parts {
		if part != "artifacts" || i == 0 {
			continue
		}
		switch id := parts[i-1]; {
		case track.CheckID(id) == nil:
			p.owner = track.Owner{ID: id}
		case track.IsModelID(id):
			p.owner = track.Owner{Model: true, ID: id}
		case i == 3 && parts[0] == "registered-models":
			p.model = parts[1]
			if p.version, err = strconv.Atoi(id); err != nil {
				return place{}, Errorf(InvalidParameter, "Invalid path")
			}
		default:
			continue
		}
		p.path = strings.Join(parts[i+1:], "/")
		if _, err := artifact.CleanPath(p.path); err != nil {
			return place{}, Errorf(InvalidParameter, "Invalid path")
		}
		return p, nil
	}
	return place{owner: track.Owner{Shared: true}, path: clean}, nil
}

func (p place) subject() route.Subject {
	switch {
	case p.model != "":
		return route.Subject{Kind: route.Model, ID: p.model}
	case p.owner.Model:
		return route.Subject{Kind: route.LoggedModel, ID: p.owner.ID}
	case p.owner.ID != "":
		return route.Subject{Kind: route.Run, ID: p.owner.ID}
	default:
		return route.Subject{Kind: route.Files, ID: p.path}
	}
}

// writable says why nothing can be written at p.
func (p place) writable() error {
	switch {
	case p.model != "":
		return Errorf(InvalidParameter, "the files of version %d of %s do not change", p.version, p.model)
	case p.owner.Shared && p.path == "": // everything
		return Errorf(InvalidParameter, "Invalid path")
	}
	return nil
}

// find looks the file or directory up.
func (f *files) find(ctx context.Context, p place) (artifact.File, error) {
	if p.model != "" {
		return f.findInVersion(ctx, p)
	}
	return f.store.Find(ctx, p.owner, p.path)
}

// findInVersion looks into the object that a version of a registered model is. A
// version that is one file looks like a directory with that file in it, because
// MLflow's clients get directories.
func (f *files) findInVersion(ctx context.Context, p place) (artifact.File, error) {
	if f.models == nil {
		return artifact.File{}, Errorf(DoesNotExist, "Registered Model with name=%s not found", p.model)
	}
	v, err := f.models.Version(ctx, p.model, p.version)
	if err != nil {
		return artifact.File{}, err
	}
	d := v.Details
	switch {
	case d.Object.IsZero():
		return artifact.File{}, Errorf(DoesNotExist, "the files of version %d of %s are not kept here, but at %s", v.Number, v.Model, v.Source)
	case d.Kind == "dir":
		return f.store.Below(ctx, artifact.File{Dir: true, Size: d.Size, ID: d.Object}, p.path)
	case p.path == "":
		return artifact.File{Dir: true, Size: d.Size}, nil
	case p.path == path.Base(d.Path):
		return artifact.File{Path: p.path, Size: d.Size, ID: d.Object}, nil
	default:
		return artifact.File{}, Errorf(DoesNotExist, "No such artifact: '%s'", p.path)
	}
}

// listVersion lists a directory in the object of a version.
func (f *files) listVersion(ctx context.Context, p place) ([]artifact.File, error) {
	dir, err := f.findInVersion(ctx, p)
	if _, isWords := errors.AsType[*Error](err); isWords || errs.Is(err, errs.NotFound) {
		return nil, nil // what is not there is empty
	}
	if err != nil || !dir.Dir {
		return nil, err
	}
	if !dir.ID.IsZero() {
		return f.store.ListBelow(ctx, dir)
	}
	v, err := f.models.Version(ctx, p.model, p.version)
	return []artifact.File{{Path: path.Base(v.Details.Path), Size: v.Details.Size, ID: v.Details.Object}}, err
}

// list answers with the names in a directory.
func (f *files) list(w http.ResponseWriter, r *http.Request) error {
	p, err := parsePlace(r.URL.Query().Get("path"))
	if err != nil {
		return err
	}
	ctx := r.Context()
	var found []artifact.File
	if p.model != "" {
		found, err = f.listVersion(ctx, p)
	} else {
		found, err = f.store.List(ctx, p.owner, p.path)
	}
	if err != nil {
		return err
	}
	var out encoder
	out.open()
	if len(found) > 0 {
		out.list("files")
		for _, file := range found {
			out.open()
			out.str("path", file.Name())
			out.boolean("is_dir", file.Dir)
			if !file.Dir && file.Size > 0 {
				out.integer("file_size", file.Size)
			}
			out.close()
		}
		out.endList()
	}
	out.close()
	out.send(w, http.StatusOK)
	return nil
}

// remove deletes a file, or all below a directory.
func (f *files) remove(w http.ResponseWriter, r *http.Request) error {
	p, err := parsePlace(r.PathValue("path"))
	if err != nil {
		return err
	}
	if err := p.writable(); err != nil {
		return err
	}
	if _, err := f.store.Delete(asUser(r), p.owner, p.path); err != nil {
		return err
	}
	return empty(w)
}

func empty(w http.ResponseWriter) error {
	var out encoder
	out.open()
	out.close()
	out.send(w, http.StatusOK)
	return nil
}

// presigned tells clients to get files from here.
func presigned(_ http.ResponseWriter, r *http.Request) error {
	if _, err := parsePlace(r.PathValue("path")); err != nil {
		return err
	}
	return Errorf(NotImplemented, "Multipart download is not supported for the current artifact repository")
}

// asUser is the context of a request, in which the history names who asked.
func asUser(r *http.Request) context.Context {
	ctx := r.Context()
	if user := route.UserOf(ctx).Name; user != "" {
		return track.AsUser(ctx, user)
	}
	return ctx
}

// below is a path of the query that names a file, without the path of its owner.
func below(r *http.Request, parameter string) (string, error) {
	p, err := artifact.CleanPath(r.URL.Query().Get(parameter))
	if err != nil || strings.HasPrefix(r.URL.Query().Get(parameter), "/") {
		return "", Errorf(InvalidParameter, "Invalid path")
	}
	return p, nil
}
