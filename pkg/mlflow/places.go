package mlflow

import (
	"context"
	"net/url"
	"path"
	"path/filepath"
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/registry"
	"github.com/mlops-cli/mlops/pkg/track"
)

// proxied is where artifacts are that go through this server.
const proxied = "mlflow-artifacts:"

// Places say where clients put files themselves, past the server.
type Places struct {
	// Dir is what relative artifact locations are relative to, an absolute path;
	// "" is the working directory.
	Dir string
	// Root is a URI below which the files of experiments without a location of
	// their own are; "" means that they go through the server.
	Root string
}

// Check says what is wrong with the places.
func (p Places) Check() error {
	u, err := url.Parse(p.Root)
	switch {
	case p.Root == "":
		return nil
	case err != nil || u.Fragment != "" || u.RawQuery != "":
		return errs.New(errs.Usage, "artifact root %q is no plain URL", p.Root)
	case u.Scheme == "" || u.Scheme == "file" && !path.IsAbs(u.Path):
		return errs.New(errs.Usage, "artifact root %q is no URL with a whole path", p.Root).Hint("s3://bucket/artifacts, gs://bucket/artifacts, file:///srv/artifacts")
	}
	return nil
}

// At sets the places, before the first request.
func (s *Service) At(p Places) *Service {
	p.Root = strings.TrimSuffix(p.Root, "/")
	s.places = p
	return s
}

// of is where the artifacts of an experiment are.
func (p Places) of(x track.Experiment) string {
	switch {
	case x.Location != "":
		return x.Location
	case p.Root != "":
		return p.Root + "/" + x.ID
	}
	return proxied + "/" + x.ID
}

// location checks where the clients of an experiment are to put its artifacts.
// It is for them: this server opens nothing there.
func (p Places) location(text string) (string, error) {
	if text == "" {
		return "", nil
	}
	u, err := parseLocation(text)
	if err != nil {
		return "", Errorf(InvalidParameter, "'artifact_location' is not a URL: %s", text)
	}
	if u.Fragment != "" || strings.Contains(text, "#") || u.Scheme == "" && strings.Contains(text, ";") {
		return "", Errorf(InvalidParameter, "'artifact_location' URL can't include fragments or params.")
	}
	query, err := url.PathUnescape(u.RawQuery)
	if err != nil || strings.Contains(query, "..") {
		return "", Errorf(InvalidParameter, "Invalid query string")
	}
	switch {
	case len(text) > 500:
		return "", Errorf(InvalidParameter, "Invalid artifact path length. The length of the artifact path cannot be greater than 500. "+
			"To configure this limit, please set the MLFLOW_ARTIFACT_LOCATION_MAX_LENGTH environment variable.")
	case u.Scheme == "runs":
		return "", Errorf(InvalidParameter, "Artifact location cannot be a runs:/ URI. Given: '%s'", text)
	case addressesHost(u):
		return "", hostAddressed("artifact_location", u.Scheme)
	case u.Scheme == "mlflow-artifacts" && path.Clean(u.Path) != strings.TrimSuffix(u.Path, "/"):
		return "", Errorf(InvalidParameter, "Invalid path")
	case u.Scheme == "" && !path.IsAbs(text): // to a client on this machine
		dir := p.Dir
		if dir == "" {
			if dir, err = filepath.Abs("."); err != nil {
				return "", err
			}
		}
		return filepath.ToSlash(dir) + "/" + u.Path, nil
	}
	return text, nil
}

// parseLocation reads a URL; of one that names a port by a word, only the scheme
// and the query are.
func parseLocation(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if scheme, rest, ok := strings.Cut(text, "://"); err != nil && ok {
		_, query, _ := strings.Cut(rest, "?")
		u, err = url.Parse(scheme + "://host/?" + query)
	}
	return u, err
}

// joinURI adds a path to a URI, before its query.
func joinURI(uri, p string) string {
	base, query, ok := strings.Cut(uri, "?")
	base = strings.TrimSuffix(base, "/") + "/" + p
	if ok && strings.Contains(base, "://") {
		return base + "?" + query
	}
	return strings.TrimSuffix(uri, "/") + "/" + p
}

// ownsPath reports whether a source that is a path of the clients' machine lies
// where the artifacts of the version's run or logged model are. The server does
// not look at it.
func (s *Service) ownsPath(ctx context.Context, v *registry.Version) (bool, error) {
	root, err := s.ownerRoot(ctx, v)
	if err != nil || root == "" || strings.ContainsAny(v.Source, "%\\\x00") {
		return false, err
	}
	local := func(uri string) string { return path.Clean(strings.TrimPrefix(uri, "file://")) }
	at, source := local(root), local(v.Source)
	return path.IsAbs(at) && (source == at || strings.HasPrefix(source, at+"/")), nil
}
