package mlruns

import (
	"cmp"
	"context"
	"io"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/registry"
	"github.com/mlops-cli/mlops/pkg/track"
)

// server is the source of a running MLflow server.
type server struct {
	*client
	*places
}

func openServer(address string, o OpenOptions) (*server, error) {
	c, err := newClient(address, o.Login)
	if err != nil {
		return nil, err
	}
	return &server{client: c, places: newPlaces(".", o)}, nil
}

// Name implements Source.
func (s *server) Name() string { return s.base }

// Close implements Source.
func (s *server) Close() error {
	s.http.CloseIdleConnections()
	return s.close()
}

// Ignored implements Source. What a server keeps besides runs and models is not
// asked for.
func (s *server) Ignored(context.Context) (map[string]int64, error) { return nil, nil }

// pages asks for one page after the other. Ask returns the token of the next.
func pages(ask func(token string) (next string, err error)) error {
	for token := ""; ; {
		next, err := ask(token)
		if err != nil || next == "" || next == token {
			return err
		}
		token = next
	}
}

// Experiments implements Source.
func (s *server) Experiments(ctx context.Context) ([]track.Experiment, error) {
	var out []track.Experiment
	err := pages(func(token string) (string, error) {
		var page struct {
			Experiments []wireExperiment `json:"experiments"`
			Next        string           `json:"next_page_token"`
		}
		if err := s.call(ctx, http.MethodPost, "experiments/search", nil, map[string]any{"max_results": 1000, "view_type": "ALL", "page_token": token}, &page); err != nil {
			return "", err
		}
		for _, e := range page.Experiments {
			out = append(out, track.Experiment{
				ID: e.ID, Name: e.Name, Location: e.Location, Created: int64(e.Created), Updated: int64(e.Updated), Deleted: e.Stage == "deleted", Tags: tagsOf(e.Tags),
			})
		}
		return page.Next, nil
	})
	return out, err
}

func tagsOf(pairs []wirePair) []track.Tag {
	var out []track.Tag
	for _, p := range pairs {
		out = append(out, track.Tag{Key: p.Key, Value: p.Value})
	}
	return out
}

func paramsOf(pairs []wirePair) []track.Param {
	var out []track.Param
	for _, p := range pairs {
		out = append(out, track.Param{Key: p.Key, Value: p.Value})
	}
	return out
}

// Runs implements Source.
func (s *server) Runs(ctx context.Context, experiment string, fn func(*Run) error, problem func(error)) error {
	return pages(func(token string) (string, error) {
		var page struct {
			Runs []wireRun `json:"runs"`
			Next string    `json:"next_page_token"`
		}
		if err := s.call(ctx, http.MethodPost, "runs/search", nil, map[string]any{
			"experiment_ids": []string{experiment}, "max_results": atOnce, "run_view_type": "ALL", "page_token": token,
		}, &page); err != nil {
			return "", err
		}
		runs, err := s.whole(ctx, page.Runs)
		if err != nil {
			return "", err
		}
		for i, r := range runs {
			if r == nil {
				problem(errs.New(errs.Remote, "run %s: its status %q is none of MLflow's", page.Runs[i].Info.ID, page.Runs[i].Info.Status))
				continue
			}
			if err := fn(r); err != nil {
				return "", err
			}
		}
		return page.Next, nil
	})
}

// inFlight is how many requests are made side by side.
const inFlight = 8

// whole asks for the histories of runs; one of no known status is nil.
func (s *server) whole(ctx context.Context, list []wireRun) ([]*Run, error) {
	out := make([]*Run, len(list))
	series := make([][][]track.Metric, len(list))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(inFlight)
	for i := range list {
		w := &list[i]
		status, err := statusOf(w.Info.Status)
		if err != nil {
			continue
		}
		r := &Run{Place: w.Info.Files + "\n" + w.Info.ID, Run: track.Run{
			ID: w.Info.ID, Name: w.Info.Name, ExperimentID: w.Info.Experiment, User: w.Info.User, Status: status,
			StartTime: int64(w.Info.Start), EndTime: int64(w.Info.End), Deleted: w.Info.Stage == "deleted", Params: paramsOf(w.Data.Params),
		}}
		r.TakeTags(tagsOf(w.Data.Tags))
		for _, d := range w.Inputs.Datasets {
			r.Datasets = append(r.Datasets, track.DatasetInput{Dataset: track.Dataset(d.Dataset), Tags: tagsOf(d.Tags)})
		}
		for _, m := range w.Inputs.Models {
			r.ModelInputs = append(r.ModelInputs, m.Model)
		}
		for _, m := range w.Outputs.Models {
			r.ModelOutputs = append(r.ModelOutputs, track.ModelOutput{Model: m.Model, Step: int64(m.Step)})
		}
		out[i] = r
		series[i] = make([][]track.Metric, len(w.Data.Metrics))
		for j, m := range w.Data.Metrics {
			g.Go(func() (err error) {
				series[i][j], err = s.history(ctx, w.Info.ID, m.Key)
				return err
			})
		}
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	for i, r := range out {
		if r != nil {
			r.Points = slices.Concat(series[i]...)
		}
	}
	return out, nil
}

func (s *server) history(ctx context.Context, run, key string) ([]track.Metric, error) {
	var out []track.Metric
	err := pages(func(token string) (string, error) {
		var page struct {
			Metrics []wireMetric `json:"metrics"`
			Next    string       `json:"next_page_token"`
		}
		q := url.Values{"run_id": {run}, "run_uuid": {run}, "metric_key": {key}, "max_results": {"25000"}}
		if token != "" {
			q.Set("page_token", token)
		}
		if err := s.call(ctx, http.MethodGet, "metrics/get-history", q, nil, &page); err != nil {
			return "", err
		}
		for _, m := range page.Metrics {
			out = append(out, track.Metric{Key: m.Key, Value: float64(m.Value), Timestamp: int64(m.Timestamp), Step: int64(m.Step)})
		}
		return page.Next, nil
	})
	return out, err
}

// Models implements Source. Servers before 3.0 have none.
func (s *server) Models(ctx context.Context, experiment string, fn func(*Model) error, _ func(error)) error {
	err := pages(func(token string) (string, error) {
		var page struct {
			Models []wireModel `json:"models"`
			Next   string      `json:"next_page_token"`
		}
		body := map[string]any{"experiment_ids": []string{experiment}, "max_results": 50}
		if token != "" {
			body["page_token"] = token
		}
		if err := s.call(ctx, http.MethodPost, "logged-models/search", nil, body, &page); err != nil {
			return "", err
		}
		for _, w := range page.Models {
			m := &Model{Place: w.Info.Files, LoggedModel: track.LoggedModel{
				ID: w.Info.ID, ExperimentID: w.Info.Experiment, Name: w.Info.Name, Type: w.Info.Type, Run: w.Info.Run, Status: modelStatusOf(w.Info.Status),
				Message: w.Info.Message, Created: int64(w.Info.Created), Updated: int64(w.Info.Updated), Params: paramsOf(w.Data.Params), Tags: tagsOf(w.Info.Tags),
			}}
			for _, p := range w.Data.Metrics {
				m.Metrics = append(m.Metrics, track.ModelMetric{Run: p.Run, Metric: track.Metric{
					Key: p.Key, Value: float64(p.Value), Timestamp: int64(p.Timestamp), Step: int64(p.Step), Dataset: p.Dataset, Digest: p.Digest,
				}})
			}
			if err := fn(m); err != nil {
				return "", err
			}
		}
		return page.Next, nil
	})
	if isMissing(err) {
		return nil
	}
	return err
}

// modelStatusOf reads a status as a word, or as the number that 3.x sends.
func modelStatusOf(v string) track.ModelStatus {
	if n, err := strconv.ParseInt(v, 10, 64); err == nil {
		return modelStatus(n)
	}
	return track.ModelStatus(v)
}

// promptFilter finds the prompts, which a search does not show that does not ask
// for them.
const promptFilter = "tag.`" + registry.PromptTag + "` = 'true'"

// Registry implements Source.
func (s *server) Registry(ctx context.Context) ([]Registered, error) {
	byName := map[string]*Registered{}
	err := s.registeredModels(ctx, "", byName)
	if isMissing(err) {
		return nil, nil // the server has no registry
	}
	seen := map[string]bool{}
	if err == nil {
		err = s.versions(ctx, "", byName, seen)
	}
	if err != nil {
		return nil, err
	}
	models := len(byName)
	if err := s.registeredModels(ctx, promptFilter, byName); err != nil && !refused(err) { // an old one has none
		return nil, err
	}
	if len(byName) > models {
		if err := s.versions(ctx, promptFilter, byName, seen); err != nil {
			return nil, err
		}
	}
	out := make([]Registered, 0, len(byName))
	for _, name := range sortedKeys(byName) {
		slices.SortFunc(byName[name].Versions, func(a, b Version) int { return cmp.Compare(a.Number, b.Number) })
		out = append(out, *byName[name])
	}
	return out, nil
}

func (s *server) registeredModels(ctx context.Context, filter string, byName map[string]*Registered) error {
	return pages(func(token string) (string, error) {
		var page struct {
			Models []wireRegistered `json:"registered_models"`
			Next   string           `json:"next_page_token"`
		}
		if err := s.call(ctx, http.MethodGet, "registered-models/search", query("filter", filter, "max_results", "1000", "page_token", token), nil, &page); err != nil {
			return "", err
		}
		for _, w := range page.Models {
			m := &Registered{Model: registry.Model{Name: w.Name, Created: int64(w.Created), Updated: int64(w.Updated), Description: w.Description, Tags: registryTagsOf(w.Tags)}}
			for _, a := range w.Aliases {
				m.Aliases = append(m.Aliases, registry.Alias{Name: a.Alias, Version: int(a.Version)})
			}
			byName[w.Name] = m
		}
		return page.Next, nil
	})
}

// versions adds the versions of models that were not seen yet.
func (s *server) versions(ctx context.Context, filter string, byName map[string]*Registered, seen map[string]bool) error {
	return pages(func(token string) (string, error) {
		var page struct {
			Versions []wireVersion `json:"model_versions"`
			Next     string        `json:"next_page_token"`
		}
		if err := s.call(ctx, http.MethodGet, "model-versions/search", query("filter", filter, "max_results", "1000", "page_token", token), nil, &page); err != nil {
			return "", err
		}
		for _, w := range page.Versions {
			m, at := byName[w.Name], w.Name+"\n"+strconv.FormatInt(int64(w.Version), 10)
			if m == nil || seen[at] {
				continue
			}
			seen[at] = true
			v := Version{Version: registry.Version{
				Model: w.Name, Number: int(w.Version), Created: int64(w.Created), Updated: int64(w.Updated), Description: w.Description, User: w.User,
				Stage: registry.Stage(w.Stage), Status: registry.Status(cmp.Or(w.Status, string(registry.Ready))), StatusText: w.StatusText,
				Source: w.Source, RunID: w.Run, RunLink: w.Link, LoggedModel: w.Model, Tags: registryTagsOf(w.Tags),
			}}
			if id, ok := strings.CutPrefix(v.Source, "models:/"); ok && track.IsModelID(id) {
				v.LoggedModel = id
			}
			m.Versions = append(m.Versions, v)
		}
		return page.Next, nil
	})
}

func registryTagsOf(pairs []wirePair) []registry.Tag {
	var out []registry.Tag
	for _, p := range pairs {
		out = append(out, registry.Tag{Key: p.Key, Value: p.Value})
	}
	return out
}

// query makes a query of pairs; those without a value are left out.
func query(pairs ...string) url.Values {
	q := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	return q
}

// Files implements Source: through the server where it serves them, else from
// where it says that they are, else as its page shows them.
func (s *server) Files(ctx context.Context, place string) (Files, error) {
	uri, run, _ := strings.Cut(place, "\n")
	if rest, ok := strings.CutPrefix(uri, "mlflow-artifacts:"); ok {
		u, err := url.Parse(rest)
		if err != nil {
			return nil, errs.New(errs.Usage, "%s is not a place of files", uri)
		}
		return servedFiles{s.client, strings.Trim(u.Path, "/")}, nil
	}
	direct, err := s.open(ctx, uri)
	if run == "" {
		return direct, err
	}
	if _, here := direct.(directory); here && err == nil {
		return direct, nil
	}
	if _, there := direct.(bucketFiles); !there || err != nil {
		direct = nil
	}
	return shownFiles{s.client, run, direct}, nil
}

// shownFiles are the files of a run as a server's page shows them.
type shownFiles struct {
	*client
	run    string
	direct Files // where they are; nil: not reached from here
}

// Walk implements Files.
func (f shownFiles) Walk(ctx context.Context, fn func(File) error) error {
	if f.direct != nil {
		begun := false
		err := f.direct.Walk(ctx, func(file File) error {
			begun = true
			return fn(file)
		})
		if err == nil || begun || ctx.Err() != nil {
			return err
		}
	}
	return f.walk(ctx, "", fn)
}

func (f shownFiles) walk(ctx context.Context, dir string, fn func(File) error) error {
	return pages(func(token string) (string, error) {
		var page struct {
			Files []wireFile `json:"files"`
			Next  string     `json:"next_page_token"`
		}
		if err := f.call(ctx, http.MethodGet, "artifacts/list", query("run_id", f.run, "run_uuid", f.run, "path", dir, "page_token", token), nil, &page); err != nil {
			return "", err
		}
		for _, file := range page.Files {
			if file.Dir {
				if err := f.walk(ctx, file.Path, fn); err != nil {
					return "", err
				}
				continue
			}
			at := f.base + "/get-artifact?" + url.Values{"run_uuid": {f.run}, "run_id": {f.run}, "path": {file.Path}}.Encode()
			if err := fn(File{Path: file.Path, Size: int64(file.Size), Open: func(ctx context.Context) (io.ReadCloser, error) { return f.get(ctx, at) }}); err != nil {
				return "", err
			}
		}
		return page.Next, nil
	})
}

// servedFiles is a place behind a server.
type servedFiles struct {
	*client
	root string
}

// Walk implements Files.
func (f servedFiles) Walk(ctx context.Context, fn func(File) error) error { return f.walk(ctx, "", fn) }

func (f servedFiles) walk(ctx context.Context, dir string, fn func(File) error) error {
	var page struct {
		Files []wireFile `json:"files"`
	}
	address := f.base + "/api/2.0/mlflow-artifacts/artifacts"
	if err := f.list(ctx, address+"?"+url.Values{"path": {path.Join(f.root, dir)}}.Encode(), &page); err != nil {
		return err
	}
	for _, file := range page.Files {
		p := path.Join(dir, path.Base(file.Path))
		if file.Dir {
			if err := f.walk(ctx, p, fn); err != nil {
				return err
			}
			continue
		}
		at := address + "/" + escape(path.Join(f.root, p))
		if err := fn(File{Path: p, Size: int64(file.Size), Open: func(ctx context.Context) (io.ReadCloser, error) { return f.get(ctx, at) }}); err != nil {
			return err
		}
	}
	return nil
}

func (f servedFiles) list(ctx context.Context, address string, out any) error {
	resp, err := f.send(ctx, http.MethodGet, address, nil, "")
	if err != nil {
		return err
	}
	defer resp.Body.Close() //nolint:errcheck // it was read
	return decode(resp.Body, out)
}
