package mlruns

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/mlops-cli/mlops/pkg/registry"
	"github.com/mlops-cli/mlops/pkg/track"
)

const (
	metaFile = "meta.yaml"
	trashDir = ".trash"
	modelDir = "models" // of registered models, and in an experiment of logged ones
)

// folder is the source of a directory such as mlruns.
type folder struct {
	root string
	*places
}

func newFolder(root string, o OpenOptions) *folder {
	abs, err := filepath.Abs(root)
	if err != nil {
		abs = root
	}
	return &folder{root: abs, places: newPlaces(abs, o)}
}

// isStore reports whether a directory is MLflow's: one below it has a meta.yaml of
// an experiment.
func isStore(dir string) bool {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return false
	}
	for _, e := range entries {
		if e.Name() == trashDir && e.IsDir() {
			return true
		}
		if _, err := strconv.ParseUint(e.Name(), 10, 64); err == nil {
			if _, err := os.Stat(filepath.Join(dir, e.Name(), metaFile)); err == nil {
				return true
			}
		}
	}
	return false
}

// Name implements Source.
func (f *folder) Name() string { return f.root }

// Close implements Source.
func (f *folder) Close() error { return f.close() }

// Ignored implements Source.
func (f *folder) Ignored(context.Context) (map[string]int64, error) {
	traces, err := filepath.Glob(filepath.Join(f.root, "*", "traces", "*"))
	return map[string]int64{"traces": int64(len(traces))}, err
}

// Files implements Source.
func (f *folder) Files(ctx context.Context, place string) (Files, error) {
	uri, dir, _ := strings.Cut(place, "\n")
	return f.open(ctx, uri, dir)
}

// place is a URI with where the files are when the folder was moved.
func place(uri, dir string) string { return uri + "\n" + filepath.Join(dir, "artifacts") }

type experimentMeta struct {
	ID        string `yaml:"experiment_id"`
	Name      string `yaml:"name"`
	Location  string `yaml:"artifact_location"`
	Lifecycle string `yaml:"lifecycle_stage"`
	Created   int64  `yaml:"creation_time"`
	Updated   int64  `yaml:"last_update_time"`
}

// Experiments implements Source.
func (f *folder) Experiments(context.Context) ([]track.Experiment, error) {
	var out []track.Experiment
	for _, dir := range []string{f.root, filepath.Join(f.root, trashDir)} {
		names, err := subdirs(dir)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			if name == trashDir || name == modelDir {
				continue
			}
			at := filepath.Join(dir, name)
			var m experimentMeta
			if err := readMeta(at, &m); errors.Is(err, fs.ErrNotExist) {
				continue // something else that was put there
			} else if err != nil {
				return nil, err
			}
			e := track.Experiment{
				ID: cmp.Or(m.ID, name), Name: m.Name, Location: m.Location, Created: m.Created, Updated: m.Updated,
				Deleted: m.Lifecycle == "deleted" || dir != f.root,
			}
			if e.Tags, err = readTags(filepath.Join(at, "tags")); err != nil {
				return nil, err
			}
			out = append(out, e)
		}
	}
	return out, nil
}

// dir is where an experiment is.
func (f *folder) dir(experiment string) string {
	at := filepath.Join(f.root, experiment)
	if _, err := os.Stat(at); err != nil {
		return filepath.Join(f.root, trashDir, experiment)
	}
	return at
}

type runMeta struct {
	ID        string `yaml:"run_id"`
	UUID      string `yaml:"run_uuid"`
	Name      string `yaml:"run_name"`
	OldName   string `yaml:"name"`
	User      string `yaml:"user_id"`
	Status    string `yaml:"status"`
	Start     int64  `yaml:"start_time"`
	End       *int64 `yaml:"end_time"`
	Lifecycle string `yaml:"lifecycle_stage"`
	Files     string `yaml:"artifact_uri"`
	Source    string `yaml:"source_name"`
	Commit    string `yaml:"source_version"`
}

// Runs implements Source.
func (f *folder) Runs(ctx context.Context, experiment string, fn func(*Run) error, problem func(error)) error {
	at := f.dir(experiment)
	names, err := subdirs(at)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return err
		}
		if slices.Contains([]string{"tags", "datasets", "traces", modelDir}, name) {
			continue
		}
		r, err := f.run(at, name)
		if errors.Is(err, fs.ErrNotExist) && track.CheckID(name) != nil {
			continue // something else that was put there
		}
		if err != nil {
			problem(fmt.Errorf("run %s: %w", name, err))
			continue
		}
		r.ExperimentID = experiment
		if err := fn(r); err != nil {
			return err
		}
	}
	return nil
}

func (f *folder) run(at, name string) (*Run, error) {
	dir := filepath.Join(at, name)
	var m runMeta
	if err := readMeta(dir, &m); err != nil {
		return nil, err
	}
	status, err := statusOf(m.Status)
	if err != nil {
		return nil, err
	}
	r := &Run{Run: track.Run{
		ID: cmp.Or(m.ID, m.UUID, name), Name: cmp.Or(m.Name, m.OldName), User: m.User, Status: status, StartTime: m.Start,
		Deleted: m.Lifecycle == "deleted", Source: m.Source, Git: track.Git{Commit: m.Commit},
	}, Place: place(m.Files, dir)}
	if m.End != nil {
		r.EndTime = *m.End
	}
	tags, err := readTags(filepath.Join(dir, "tags"))
	if err != nil {
		return nil, err
	}
	r.TakeTags(tags)
	if err := eachFile(filepath.Join(dir, "params"), func(key string, text []byte) error {
		r.Params = append(r.Params, track.Param{Key: key, Value: string(text)})
		return nil
	}); err != nil {
		return nil, err
	}
	if err := eachFile(filepath.Join(dir, "metrics"), func(key string, text []byte) error {
		points, err := readPoints(key, text, false)
		for _, p := range points {
			r.Points = append(r.Points, p.Metric)
		}
		return err
	}); err != nil {
		return nil, err
	}
	return r, errors.Join(f.inputs(at, dir, r), f.outputs(dir, r))
}

type edgeMeta struct {
	SourceType  string            `yaml:"source_type"`
	SourceID    string            `yaml:"source_id"`
	Destination string            `yaml:"destination_id"`
	Step        int64             `yaml:"step"`
	Tags        map[string]string `yaml:"tags"`
}

type datasetMeta struct {
	Name       string `yaml:"name"`
	Digest     string `yaml:"digest"`
	SourceType string `yaml:"source_type"`
	Source     string `yaml:"source"`
	Schema     string `yaml:"schema"`
	Profile    string `yaml:"profile"`
}

// inputs reads the datasets and models that a run used.
func (f *folder) inputs(experiment, dir string, r *Run) error {
	names, err := subdirs(filepath.Join(dir, "inputs"))
	if err != nil {
		return err
	}
	for _, name := range names {
		var e edgeMeta
		if err := readMeta(filepath.Join(dir, "inputs", name), &e); err != nil {
			return err
		}
		if e.SourceType != "DATASET" {
			r.ModelInputs = append(r.ModelInputs, e.SourceID)
			continue
		}
		var d datasetMeta
		if err := readMeta(filepath.Join(experiment, "datasets", e.SourceID), &d); err != nil {
			return fmt.Errorf("dataset %s: %w", e.SourceID, err)
		}
		in := track.DatasetInput{Dataset: track.Dataset(d)}
		for _, key := range sortedKeys(e.Tags) {
			in.Tags = append(in.Tags, track.Tag{Key: key, Value: e.Tags[key]})
		}
		r.Datasets = append(r.Datasets, in)
	}
	return nil
}

func (f *folder) outputs(dir string, r *Run) error {
	names, err := subdirs(filepath.Join(dir, "outputs"))
	if err != nil {
		return err
	}
	for _, name := range names {
		var e edgeMeta
		if err := readMeta(filepath.Join(dir, "outputs", name), &e); err != nil {
			return err
		}
		r.ModelOutputs = append(r.ModelOutputs, track.ModelOutput{Model: cmp.Or(e.Destination, name), Step: e.Step})
	}
	return nil
}

type modelMeta struct {
	ID      string `yaml:"model_id"`
	Name    string `yaml:"name"`
	Type    string `yaml:"model_type"`
	Run     string `yaml:"source_run_id"`
	Status  int64  `yaml:"status"`
	Message string `yaml:"status_message"`
	Created int64  `yaml:"creation_timestamp"`
	Updated int64  `yaml:"last_updated_timestamp"`
	Files   string `yaml:"artifact_location"`
	Stage   string `yaml:"lifecycle_stage"`
}

// Models implements Source.
func (f *folder) Models(ctx context.Context, experiment string, fn func(*Model) error, problem func(error)) error {
	at := filepath.Join(f.dir(experiment), modelDir)
	names, err := subdirs(at)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return err
		}
		dir := filepath.Join(at, name)
		m, err := readModel(dir, experiment)
		if err != nil {
			problem(fmt.Errorf("logged model %s: %w", name, err))
			continue
		}
		if m == nil {
			continue // deleted
		}
		if err := fn(m); err != nil {
			return err
		}
	}
	return nil
}

func readModel(dir, experiment string) (*Model, error) {
	var meta modelMeta
	if err := readMeta(dir, &meta); err != nil {
		return nil, err
	}
	if meta.Stage == "deleted" {
		return nil, nil
	}
	m := &Model{LoggedModel: track.LoggedModel{
		ID: meta.ID, ExperimentID: experiment, Name: meta.Name, Type: meta.Type, Run: meta.Run,
		Status: modelStatus(meta.Status), Message: meta.Message, Created: meta.Created, Updated: meta.Updated,
	}, Place: place(meta.Files, dir)}
	var err error
	if m.Tags, err = readTags(filepath.Join(dir, "tags")); err != nil {
		return nil, err
	}
	if err := eachFile(filepath.Join(dir, "params"), func(key string, text []byte) error {
		m.Params = append(m.Params, track.Param{Key: key, Value: string(text)})
		return nil
	}); err != nil {
		return nil, err
	}
	err = eachFile(filepath.Join(dir, "metrics"), func(key string, text []byte) error {
		points, err := readPoints(key, text, true)
		m.Metrics = append(m.Metrics, points...)
		return err
	})
	return m, err
}

type registeredMeta struct {
	Name        string `yaml:"name"`
	Description string `yaml:"description"`
	Created     int64  `yaml:"creation_timestamp"`
	Updated     int64  `yaml:"last_updated_timestamp"`
}

type versionMeta struct {
	Number      int    `yaml:"version"`
	Created     int64  `yaml:"creation_timestamp"`
	Updated     int64  `yaml:"last_updated_timestamp"`
	Description string `yaml:"description"`
	User        string `yaml:"user_id"`
	Stage       string `yaml:"current_stage"`
	Source      string `yaml:"source"`
	Storage     string `yaml:"storage_location"`
	Run         string `yaml:"run_id"`
	Link        string `yaml:"run_link"`
	Model       string `yaml:"model_id"`
	Status      string `yaml:"status"`
	StatusText  string `yaml:"status_message"`
}

// deletedStage marks versions that MLflow only pretends to have deleted.
const deletedStage = "Deleted_Internal"

// Registry implements Source.
func (f *folder) Registry(context.Context) ([]Registered, error) {
	at := filepath.Join(f.root, modelDir)
	names, err := subdirs(at)
	if err != nil {
		return nil, err
	}
	var out []Registered
	for _, name := range names {
		dir := filepath.Join(at, name)
		var m registeredMeta
		if err := readMeta(dir, &m); errors.Is(err, fs.ErrNotExist) {
			continue
		} else if err != nil {
			return nil, err
		}
		reg := Registered{Model: registry.Model{Name: cmp.Or(m.Name, name), Created: m.Created, Updated: m.Updated, Description: m.Description}}
		if reg.Tags, err = registryTags(filepath.Join(dir, "tags")); err != nil {
			return nil, err
		}
		if err := eachFile(filepath.Join(dir, "aliases"), func(alias string, text []byte) error {
			n, err := strconv.Atoi(strings.TrimSpace(string(text)))
			reg.Aliases = append(reg.Aliases, registry.Alias{Name: alias, Version: n})
			return err
		}); err != nil {
			return nil, fmt.Errorf("aliases of %s: %w", name, err)
		}
		versions, err := subdirs(dir)
		if err != nil {
			return nil, err
		}
		for _, v := range versions {
			if !strings.HasPrefix(v, "version-") {
				continue
			}
			version, err := readVersion(filepath.Join(dir, v), reg.Name)
			if err != nil {
				return nil, err
			}
			reg.Versions = append(reg.Versions, version)
		}
		slices.SortFunc(reg.Versions, func(a, b Version) int { return cmp.Compare(a.Number, b.Number) })
		out = append(out, reg)
	}
	return out, nil
}

func readVersion(dir, model string) (Version, error) {
	var m versionMeta
	if err := readMeta(dir, &m); err != nil {
		return Version{}, err
	}
	v := Version{Gone: m.Stage == deletedStage, Version: registry.Version{
		Model: model, Number: m.Number, Created: m.Created, Updated: m.Updated, Description: m.Description, User: m.User,
		Stage: registry.Stage(m.Stage), Status: registry.Status(cmp.Or(m.Status, string(registry.Ready))), StatusText: m.StatusText,
		Source: m.Source, Storage: m.Storage, RunID: m.Run, RunLink: m.Link, LoggedModel: m.Model,
	}}
	var err error
	v.Tags, err = registryTags(filepath.Join(dir, "tags"))
	return v, err
}

func registryTags(dir string) ([]registry.Tag, error) {
	tags, err := readTags(dir)
	out := make([]registry.Tag, len(tags))
	for i, t := range tags {
		out[i] = registry.Tag{Key: t.Key, Value: t.Value}
	}
	return out, err
}

// readMeta decodes the meta.yaml of a directory.
func readMeta(dir string, v any) error {
	file := filepath.Join(dir, metaFile)
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if err := yaml.Unmarshal(text, v); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return nil
}

// subdirs are the names of the directories in one, which need not be there.
func subdirs(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var out []string
	for _, e := range entries {
		if e.IsDir() {
			out = append(out, e.Name())
		}
	}
	return out, err
}

// eachFile calls fn for each file at or below a directory, which need not be
// there; its slash path is a key.
func eachFile(dir string, fn func(key string, text []byte) error) error {
	err := filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, name)
		if err != nil {
			return err
		}
		return fn(path.Clean(filepath.ToSlash(rel)), text)
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func readTags(dir string) ([]track.Tag, error) {
	var out []track.Tag
	err := eachFile(dir, func(key string, text []byte) error {
		out = append(out, track.Tag{Key: key, Value: string(text)})
		return nil
	})
	return out, err
}

// readPoints reads the lines of a metric: time and value, perhaps step, of a
// logged model the run, perhaps dataset name and digest.
func readPoints(key string, text []byte, ofModel bool) ([]track.ModelMetric, error) {
	var out []track.ModelMetric
	for n, line := range bytes.Split(text, []byte("\n")) {
		words := strings.Fields(string(line))
		if len(words) == 0 {
			continue
		}
		m := track.ModelMetric{Metric: track.Metric{Key: key}}
		at, err := strconv.ParseInt(words[0], 10, 64)
		if err == nil && len(words) > 1 {
			m.Value, err = number(words[1])
		} else if err == nil {
			err = errors.New("no value")
		}
		if err == nil && len(words) > 2 {
			m.Step, err = strconv.ParseInt(words[2], 10, 64)
		}
		if err != nil {
			return nil, fmt.Errorf("metric %s, line %d: %w", key, n+1, err)
		}
		m.Timestamp = at
		rest := words[min(3, len(words)):]
		if ofModel && len(rest) > 0 {
			m.Run, rest = rest[0], rest[1:]
		}
		if len(rest) > 1 {
			m.Dataset, m.Digest = rest[0], rest[1]
		}
		out = append(out, m)
	}
	return out, nil
}

// number reads what Python prints of a float.
func number(text string) (float64, error) {
	v, err := strconv.ParseFloat(text, 64)
	if errors.Is(err, strconv.ErrRange) && !math.IsNaN(v) {
		err = nil
	}
	return v, err
}

// nan is what a metric has that is no number.
func nan() float64 { return math.NaN() }

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
