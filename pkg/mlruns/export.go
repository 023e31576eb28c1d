package mlruns

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/progress"
	"github.com/mlops-cli/mlops/pkg/registry"
	"github.com/mlops-cli/mlops/pkg/store"
	"github.com/mlops-cli/mlops/pkg/track"
)

// The tags by which a server knows what was exported to it.
const (
	originTag = "mlops.origin" // id of the run or model here
	stateTag  = "mlops.state"  // what it was when it was exported whole
)

// Origin is what is exported.
type Origin struct {
	Tracking track.Store
	Registry registry.Reader
	Objects  *store.Store
}

// ExportRequest chooses what is exported.
type ExportRequest struct {
	Runs    []string // ids; their children go with them
	Outputs bool     // also what stages made, beside artifacts
	Models  bool     // also registered models
	DryRun  bool     // only look
}

// ExportResult says what was done, or with DryRun would be.
type ExportResult struct {
	Server   string    `json:"server"`
	DryRun   bool      `json:"dry_run"`
	Runs     Count     `json:"runs"`
	Models   Count     `json:"logged_models"`
	Versions Count     `json:"model_versions"`
	Points   int64     `json:"points"`
	Files    int64     `json:"files"`
	Bytes    int64     `json:"bytes"`
	Problems []Problem `json:"problems"`
}

// Exporter gives runs to a server.
type Exporter struct {
	*client
	origin Origin
	places *places
	report progress.Reporter

	mu          sync.Mutex
	result      ExportResult
	task        progress.Task
	experiments map[string]string    // name → id there
	runs        map[string]wireRun   // id here → what it is there
	models      map[string]wireModel // id here → what it is there
	chosen      map[string]bool      // ids here of runs that are exported
}

// NewExporter returns an exporter to the server at a URL.
func NewExporter(address string, o Origin, open OpenOptions, r progress.Reporter) (*Exporter, error) {
	c, err := newClient(address, open.Login)
	if err != nil {
		return nil, err
	}
	return &Exporter{
		client: c, origin: o, places: newPlaces(".", open), report: r,
		experiments: map[string]string{}, runs: map[string]wireRun{}, models: map[string]wireModel{}, chosen: map[string]bool{},
	}, nil
}

// Close gives up what the exporter holds.
func (x *Exporter) Close() error {
	x.http.CloseIdleConnections()
	return x.places.close()
}

func (x *Exporter) problem(what string, err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.result.Problems = append(x.result.Problems, problemOf(what, err))
}

// Export exports runs, parents before their children.
func (x *Exporter) Export(ctx context.Context, q ExportRequest) (ExportResult, error) {
	x.result = ExportResult{Server: x.base, DryRun: q.DryRun, Problems: []Problem{}}
	levels, total, err := x.levels(ctx, q.Runs)
	if err != nil {
		return x.result, err
	}
	x.task = x.report.Task("exporting", int64(total), progress.Unknown)
	defer x.task.Done()
	for _, level := range levels {
		g, gctx := errgroup.WithContext(ctx)
		g.SetLimit(inFlight)
		for _, id := range level {
			g.Go(func() error {
				r, err := x.origin.Tracking.Run(gctx, id)
				if err != nil {
					return err
				}
				if err := x.export(gctx, &r, q); err != nil {
					return fmt.Errorf("run %s: %w", r.Name, err)
				}
				x.task.Add(1, 0)
				return nil
			})
		}
		if err := g.Wait(); err != nil {
			return x.result, err
		}
	}
	if q.Models {
		err = x.rest(ctx, q.DryRun)
	}
	return x.result, err
}

// levels sorts runs, and their children, by how deep they are.
func (x *Exporter) levels(ctx context.Context, ids []string) (levels [][]string, total int, err error) {
	named, err := x.origin.Tracking.Runs(ctx, track.Query{IDs: ids, Bare: true})
	if err != nil {
		return nil, 0, err
	}
	seen := map[string]bool{}
	var level []string
	for _, r := range named {
		if !slices.Contains(ids, r.Parent) { // else it comes with its parent
			level = append(level, r.ID)
		}
	}
	for len(level) > 0 {
		level = slices.DeleteFunc(slices.Clone(level), func(id string) bool { return seen[id] })
		var next []string
		for _, id := range level {
			seen[id] = true
			children, err := x.origin.Tracking.Runs(ctx, track.Query{Parent: id, Bare: true})
			if err != nil {
				return nil, 0, err
			}
			for _, c := range children {
				next = append(next, c.ID)
			}
		}
		total += len(level)
		levels = append(levels, level)
		level = next
	}
	return levels, total, nil
}

// experiment finds an experiment on the server by its name, or makes it.
func (x *Exporter) experiment(ctx context.Context, name string, dry bool) (string, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if id, known := x.experiments[name]; known {
		return id, nil
	}
	var found struct {
		Experiment wireExperiment `json:"experiment"`
	}
	err := x.call(ctx, http.MethodGet, "experiments/get-by-name", url.Values{"experiment_name": {name}}, nil, &found)
	switch {
	case err == nil && found.Experiment.Stage == "deleted":
		return "", errs.New(errs.Conflict, "experiment %s is deleted on the server", name).Hint("restore it there: mlflow experiments restore -x %s", found.Experiment.ID)
	case err == nil:
		x.experiments[name] = found.Experiment.ID
		return found.Experiment.ID, nil
	case !isMissing(err):
		return "", err
	case dry:
		return "", nil
	}
	var made struct {
		ID string `json:"experiment_id"`
	}
	e, err := x.origin.Tracking.ExperimentByName(ctx, name)
	if err != nil {
		return "", err
	}
	if err := x.call(ctx, http.MethodPost, "experiments/create", nil, map[string]any{"name": name, "tags": pairsOf(e.Tags)}, &made); err != nil {
		return "", err
	}
	x.experiments[name] = made.ID
	return made.ID, nil
}

func pairsOf(tags []track.Tag) []wirePair {
	out := make([]wirePair, 0, len(tags))
	for _, t := range tags {
		out = append(out, wirePair{t.Key, t.Value})
	}
	return out
}

// find looks for a run on the server: under its own id, from which it came, or by
// the tag that names its origin.
func (x *Exporter) find(ctx context.Context, id, experiment string) (wireRun, bool, error) {
	var got struct {
		Run wireRun `json:"run"`
	}
	err := x.call(ctx, http.MethodGet, "runs/get", url.Values{"run_id": {id}, "run_uuid": {id}}, nil, &got)
	if err == nil {
		return got.Run, true, nil
	}
	if !isMissing(err) {
		return got.Run, false, err
	}
	if experiment == "" {
		return got.Run, false, nil
	}
	var page struct {
		Runs []wireRun `json:"runs"`
	}
	err = x.call(ctx, http.MethodPost, "runs/search", nil, map[string]any{
		"experiment_ids": []string{experiment}, "filter": "tags.`" + originTag + "` = '" + id + "'", "max_results": 1, "run_view_type": "ALL",
	}, &page)
	if err != nil || len(page.Runs) == 0 {
		return got.Run, false, err
	}
	return page.Runs[0], true, nil
}

// stateOf is equal for a run that did not change.
func stateOf(r *track.Run, outputs bool) (string, error) {
	text, err := json.Marshal(struct {
		track.Run
		Outputs bool
	}{*r, outputs})
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8]), err
}

// export gives one run to the server.
func (x *Exporter) export(ctx context.Context, r *track.Run, q ExportRequest) error {
	experiment, err := x.experiment(ctx, r.Experiment, q.DryRun)
	if err != nil {
		return err
	}
	there, known, err := x.find(ctx, r.ID, experiment)
	if err != nil {
		return err
	}
	state, err := stateOf(r, q.Outputs)
	if err != nil {
		return err
	}
	itself := known && there.Info.ID == r.ID
	same := itself || known && slices.Contains(there.Data.Tags, wirePair{stateTag, state})
	x.mu.Lock()
	countOne(&x.result.Runs, known, same)
	x.chosen[r.ID] = true
	if known {
		x.runs[r.ID] = there
	}
	x.mu.Unlock()
	if q.DryRun && !same {
		return x.countModels(ctx, r, experiment)
	}
	if same {
		return nil
	}
	if !known {
		if there, err = x.create(ctx, r, experiment); err != nil {
			return err
		}
		x.mu.Lock()
		x.runs[r.ID] = there
		x.mu.Unlock()
	}
	if err := errors.Join(x.log(ctx, r, there.Info.ID), x.inputs(ctx, r, there.Info.ID)); err != nil {
		return err
	}
	whole, err := x.runFiles(ctx, r, there.Info.Files, q.Outputs)
	if err != nil {
		return err
	}
	modelsWhole, err := x.loggedModels(ctx, r, there, experiment)
	if err != nil {
		return err
	}
	update := map[string]any{"run_id": there.Info.ID, "run_uuid": there.Info.ID, "status": r.Status}
	if r.EndTime != 0 {
		update["end_time"] = r.EndTime
	}
	if err := x.call(ctx, http.MethodPost, "runs/update", nil, update, nil); err != nil || !whole || !modelsWhole {
		return err // what lacked comes with the next export
	}
	return x.setTag(ctx, there.Info.ID, stateTag, state)
}

func countOne(c *Count, known, same bool) {
	switch {
	case !known:
		c.New++
	case same:
		c.Same++
	default:
		c.Updated++
	}
}

func (x *Exporter) setTag(ctx context.Context, run, key, value string) error {
	return x.call(ctx, http.MethodPost, "runs/set-tag", nil, map[string]string{"run_id": run, "run_uuid": run, "key": key, "value": value}, nil)
}

// create makes a run on the server.
func (x *Exporter) create(ctx context.Context, r *track.Run, experiment string) (wireRun, error) {
	var made struct {
		Run wireRun `json:"run"`
	}
	tags := []wirePair{{originTag, r.ID}}
	for _, t := range x.tags(r) {
		if strings.HasPrefix(t.Key, "mlflow.") { // what a run belongs to is known from the start
			tags = append(tags, t)
		}
	}
	err := x.call(ctx, http.MethodPost, "runs/create", nil, map[string]any{
		"experiment_id": experiment, "run_name": r.Name, "user_id": r.User, "start_time": r.StartTime,
		"tags": tags,
	}, &made)
	return made.Run, err
}

// tags are those of a run as MLflow has them, its fields among them.
func (x *Exporter) tags(r *track.Run) []wirePair {
	out := []wirePair{}
	has := map[string]bool{track.ParentTag: true}
	for _, t := range r.Tags {
		if t.Key != track.ParentTag {
			has[t.Key] = true
			out = append(out, wirePair{t.Key, t.Value})
		}
	}
	source := ""
	switch {
	case r.Kind != track.Script:
		source = "PROJECT"
	case r.Source != "":
		source = "LOCAL"
	}
	for _, t := range []wirePair{
		{track.NoteTag, r.Note},
		{track.UserTag, r.User},
		{track.SourceTag, r.Source},
		{track.SourceTypeTag, source},
		{track.CommitTag, r.Git.Commit},
		{track.BranchTag, r.Git.Branch},
		{track.RepoTag, r.Git.Remote},
	} {
		if t.Value != "" && !has[t.Key] {
			out = append(out, t)
		}
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if parent, ok := x.runs[r.Parent]; ok {
		out = append(out, wirePair{track.ParentTag, parent.Info.ID})
	}
	return out
}

// log sends params, tags and the histories of metrics, within MLflow's limits of a
// request.
func (x *Exporter) log(ctx context.Context, r *track.Run, id string) error {
	send := func(body map[string]any) error {
		body["run_id"], body["run_uuid"] = id, id
		return x.call(ctx, http.MethodPost, "runs/log-batch", nil, body, nil)
	}
	var params []wirePair
	for _, p := range r.Params {
		params = append(params, wirePair{p.Key, p.Value})
	}
	for part := range slices.Chunk(params, track.MaxBatchParams) {
		if err := send(map[string]any{"params": part}); err != nil {
			return err
		}
	}
	for part := range slices.Chunk(x.tags(r), track.MaxBatchTags) {
		if err := send(map[string]any{"tags": part}); err != nil {
			return err
		}
	}
	var metrics []wireMetric
	for _, s := range r.Metrics {
		points, err := x.origin.Tracking.History(ctx, r.ID, s.Key)
		if err != nil {
			return err
		}
		for _, p := range points {
			metrics = append(metrics, wireMetric{Key: p.Key, Value: wireFloat(p.Value), Timestamp: wireInt(p.Timestamp), Step: wireInt(p.Step)})
		}
		for len(metrics) >= track.MaxBatchMetrics {
			if err := send(map[string]any{"metrics": metrics[:track.MaxBatchMetrics]}); err != nil {
				return err
			}
			metrics = metrics[track.MaxBatchMetrics:]
		}
		x.mu.Lock()
		x.result.Points += int64(len(points))
		x.mu.Unlock()
	}
	if len(metrics) == 0 {
		return nil
	}
	return send(map[string]any{"metrics": metrics})
}

// inputs sends the datasets of a run.
func (x *Exporter) inputs(ctx context.Context, r *track.Run, id string) error {
	if len(r.Datasets) == 0 {
		return nil
	}
	list := make([]wireDatasetInput, len(r.Datasets))
	for i, d := range r.Datasets {
		list[i] = wireDatasetInput{Tags: pairsOf(d.Tags), Dataset: wireDataset(d.Dataset)}
	}
	return x.call(ctx, http.MethodPost, "runs/log-inputs", nil, map[string]any{"run_id": id, "datasets": list}, nil)
}

// isOld reports whether a server does not know a route.
func isOld(err error) bool {
	e, ok := errors.AsType[*apiError](err)
	return ok && e.Status == http.StatusNotFound && (e.Code == "" || e.Code == "ENDPOINT_NOT_FOUND")
}

func trimSlash(s string) string { return strings.TrimRight(s, "/") }
