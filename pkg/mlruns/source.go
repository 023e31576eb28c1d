package mlruns

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/mlops-cli/mlops/pkg/db"
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/registry"
	"github.com/mlops-cli/mlops/pkg/track"
)

// Run is a run of a source.
type Run struct {
	track.Run
	Points []track.Metric // all of its series
	Place  string         // URI of its files
}

// Model is a logged model of a source.
type Model struct {
	track.LoggedModel
	Place string
}

// Registered is a registered model of a source with its versions.
type Registered struct {
	registry.Model
	Versions []Version // by number
}

// Version is a version of a registered model.
type Version struct {
	registry.Version
	Gone bool // it was deleted; only its number is known
}

// Source is where MLflow keeps what it knows.
type Source interface {
	// Name says what the source is, without passwords.
	Name() string
	// Experiments returns all, also deleted ones. Location is as MLflow has it.
	Experiments(ctx context.Context) ([]track.Experiment, error)
	// Runs calls fn for each run of an experiment, parents and children in no
	// order. What cannot be read is told to problem, and left out.
	Runs(ctx context.Context, experiment string, fn func(*Run) error, problem func(error)) error
	// Models calls fn for each logged model of an experiment.
	Models(ctx context.Context, experiment string, fn func(*Model) error, problem func(error)) error
	// Registry returns the registered models.
	Registry(ctx context.Context) ([]Registered, error)
	// Ignored counts what is there and has no place here, by what it is.
	Ignored(ctx context.Context) (map[string]int64, error)
	// Files opens the files at a place; a run's or logged model's.
	Files(ctx context.Context, place string) (Files, error)
	Close() error
}

// OpenOptions say how a source is opened.
type OpenOptions struct {
	Artifacts string // a directory or bucket in the place of mlflow-artifacts:/
	Bucket    OpenBucket
	Login     Login // of a server
}

// Open opens a source: a directory, a file of SQLite, sqlite:///FILE,
// postgresql://…, or http(s)://….
func Open(ctx context.Context, name string, o OpenOptions) (Source, error) {
	scheme, rest, isURI := strings.Cut(name, "://")
	if dialect, _, ok := strings.Cut(scheme, "+"); ok { // postgresql+psycopg2
		scheme, name = dialect, dialect+"://"+rest
	}
	switch {
	case !isURI || scheme == "file":
		return openLocal(ctx, localPath(name), o)
	case scheme == "http" || scheme == "https":
		return openServer(name, o)
	case scheme == "sqlite":
		rest, _, _ = strings.Cut(rest, "?")
		return openLocal(ctx, strings.TrimPrefix(rest, "/"), o)
	case db.IsPostgres(name):
		return openDatabase(ctx, name, o)
	default:
		return nil, errs.New(errs.Usage, "%s:// cannot be read", scheme).
			Hint("start an MLflow server on it (mlflow server --backend-store-uri …) and name that server's URL")
	}
}

// localPath is the path that a file URI or a plain path names.
func localPath(name string) string {
	if !strings.HasPrefix(name, "file:") {
		return name
	}
	if u, err := url.Parse(name); err == nil {
		return filepath.FromSlash(u.Path)
	}
	return name
}

func openLocal(ctx context.Context, name string, o OpenOptions) (Source, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, errs.New(errs.NotFound, "open %s: %w", name, err)
	}
	if !info.IsDir() {
		if !isSQLite(name) {
			return nil, errs.New(errs.Usage, "%s is no database of SQLite", name).Hint("name the directory mlruns, the file mlflow.db, or the URL of a server")
		}
		return openDatabase(ctx, name, o)
	}
	for _, dir := range []string{name, filepath.Join(name, "mlruns")} {
		if isStore(dir) {
			return newFolder(dir, o), nil
		}
	}
	for _, file := range []string{"mlflow.db", "mlruns.db"} {
		if file = filepath.Join(name, file); isSQLite(file) {
			return openDatabase(ctx, file, o)
		}
	}
	return nil, errs.New(errs.NotFound, "%s holds no runs of MLflow", name).Hint("name the directory mlruns, the file mlflow.db, or the URL of a server")
}

func isSQLite(file string) bool {
	f, err := os.Open(file)
	if err != nil {
		return false
	}
	defer f.Close() //nolint:errcheck // only read
	head := make([]byte, 16)
	_, err = io.ReadFull(f, head)
	return err == nil && bytes.HasPrefix(head, []byte("SQLite format 3"))
}

// statusOf reads a status as a word, or as the number that files have.
func statusOf(v string) (track.Status, error) {
	switch s := track.Status(v); s {
	case track.Running, track.Scheduled, track.Finished, track.Failed, track.Killed:
		return s, nil
	}
	switch v {
	case "1":
		return track.Running, nil
	case "2":
		return track.Scheduled, nil
	case "3":
		return track.Finished, nil
	case "4":
		return track.Failed, nil
	case "5":
		return track.Killed, nil
	}
	return "", errors.New("status " + v + " is none of MLflow's")
}

// modelStatus reads the number of a logged model's status.
func modelStatus(n int64) track.ModelStatus {
	switch n {
	case 2:
		return track.ModelReady
	case 3:
		return track.ModelFailed
	default:
		return track.ModelPending
	}
}
