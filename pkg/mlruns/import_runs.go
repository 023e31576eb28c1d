package mlruns

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/sync/errgroup"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/fault"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/store"
	"github.com/mlops-cli/mlops/pkg/track"
)

// A group of runs is stored together: so many runs, or points.
const (
	groupRuns   = 64
	groupPoints = 500_000
)

// work is a run on its way.
type work struct {
	*Run
	old      *track.Run     // as it is here; nil: it is not
	measured []track.Metric // those points again that were measured with a logged model
	files    []File
	kept     []track.Asset
}

// runs takes over the runs of an experiment.
func (m *Importer) runs(ctx context.Context, e, here track.Experiment, measured map[string][]track.ModelMetric) error {
	var group []*work
	points := 0
	flush := func() error {
		err := m.group(ctx, group)
		group, points = nil, 0
		return err
	}
	err := m.source.Runs(ctx, e.ID, func(r *Run) error {
		own := *r
		m.places[placeKey(r.Place)] = "mlflow-artifacts:/" + here.ID + "/" + r.ID + "/artifacts"
		if err := track.CheckID(own.ID); err != nil {
			m.problem("run "+own.ID, err)
			return nil
		}
		own.ExperimentID = here.ID
		w := &work{Run: &own}
		for _, p := range measured[own.ID] {
			if m.models[p.Model] {
				w.measured = append(w.measured, p.Metric)
			}
		}
		group = append(group, w)
		if points += len(own.Points); len(group) == groupRuns || points > groupPoints {
			return flush()
		}
		return nil
	}, func(err error) { m.problem("experiment "+e.Name, err) })
	return errors.Join(err, flush())
}

// group takes over some runs: first their files become objects, then the runs are
// written, side by side.
func (m *Importer) group(ctx context.Context, group []*work) error {
	if len(group) == 0 {
		return nil
	}
	ids := make([]string, 0, 2*len(group))
	for _, w := range group {
		ids = append(ids, w.ID)
		if from := originOf(w.Tags); from != "" {
			ids = append(ids, from)
		}
	}
	old, err := m.target.Tracking.Runs(ctx, track.Query{IDs: ids, Deleted: true, Assets: true, Inputs: true})
	if err != nil {
		return err
	}
	group = slices.DeleteFunc(group, func(w *work) bool { return m.fromHere(w, old) })
	g, gctx := errgroup.WithContext(ctx) // a server is asked much for each
	g.SetLimit(inFlight)
	for _, w := range group {
		g.Go(func() (err error) {
			w.files, err = m.files(gctx, "run "+w.ID, w.Place)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	var todo []*work
	for _, w := range group {
		if i := slices.IndexFunc(old, func(r track.Run) bool { return r.ID == w.ID }); i >= 0 {
			w.old = &old[i]
		}
		same := w.old != nil && (w.old.Deleted || w.same())
		m.count(&m.result.Runs, w.old != nil, same)
		if !same {
			m.result.Points += int64(len(w.Points))
			todo = append(todo, w)
		}
	}
	if m.result.DryRun {
		for _, w := range todo {
			m.counted(w.files)
		}
		m.task.Add(int64(len(group)), 0)
		return nil
	}
	lists := make([][]File, len(todo))
	for i, w := range todo {
		lists[i] = w.files
	}
	kept, err := m.keep(ctx, lists)
	if err != nil {
		return err
	}
	g, gctx = errgroup.WithContext(ctx)
	g.SetLimit(inFlight)
	for i, w := range todo {
		w.kept = kept[i]
		g.Go(func() error { return m.run(gctx, w) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	m.task.Add(int64(len(group)), 0)
	return fault.At(ctx, "mlruns.imported")
}

// originOf is the id of what a run or model was exported from, "" when it was not.
func originOf(tags []track.Tag) string {
	for _, t := range tags {
		if t.Key == originTag {
			return t.Value
		}
	}
	return ""
}

// fromHere reports whether a run was exported from here: it is here already, under
// the id that it had.
func (m *Importer) fromHere(w *work, old []track.Run) bool {
	from := originOf(w.Tags)
	i := slices.IndexFunc(old, func(r track.Run) bool { return r.ID == from })
	if i < 0 {
		return false
	}
	m.places[placeKey(w.Place)] = "mlflow-artifacts:/" + old[i].ExperimentID + "/" + from + "/artifacts"
	m.count(&m.result.Runs, true, true)
	m.task.Add(1, 0)
	return true
}

// same reports whether all of a run is here.
func (w *work) same() bool {
	if len(w.measured) > 0 || w.Deleted && !w.old.Status.Over() || w.old.Status != w.Status || w.Status.Over() && w.old.EndTime != w.end() || len(w.old.Datasets) < len(w.Datasets) ||
		len(w.old.ModelInputs) < len(w.ModelInputs) || len(w.old.ModelOutputs) < len(w.ModelOutputs) {
		return false
	}
	points := map[string]map[track.Metric]bool{}
	for _, p := range w.Points {
		key := track.FitKey(p.Key)
		p.Key = ""
		if p.Value != p.Value {
			p.Value, p.Key = 0, "NaN"
		}
		if points[key] == nil {
			points[key] = map[track.Metric]bool{}
		}
		points[key][p] = true
	}
	for key, all := range points {
		if s, ok := w.old.Metric(key); !ok || s.Count < int64(len(all)) {
			return false
		}
	}
	for _, p := range w.Params {
		if _, ok := w.old.Param(track.FitKey(p.Key)); !ok {
			return false
		}
	}
	if len(w.fresh()) > 0 {
		return false
	}
	known := map[string]int64{}
	for _, a := range w.old.Assets {
		if a.Role == track.Artifact {
			known[a.Path] = a.Size
		}
	}
	return !slices.ContainsFunc(w.files, func(f File) bool {
		size, ok := known[f.Path]
		return !ok || size != f.Size
	})
}

// fresh are the tags that a run does not have here. When it is over, those it has
// may have been changed here since.
func (w *work) fresh() []track.Tag {
	if w.old == nil {
		return w.Tags
	}
	return slices.DeleteFunc(slices.Clone(w.Tags), func(t track.Tag) bool {
		return slices.ContainsFunc(w.old.Tags, func(had track.Tag) bool {
			return had.Key == track.FitKey(t.Key) && (w.old.Status.Over() || had.Value == t.Value)
		})
	})
}

// end is when a run ended.
func (w *work) end() int64 {
	if w.EndTime == 0 {
		return w.StartTime
	}
	return w.EndTime
}

// pointsAtOnce bounds a transaction.
const pointsAtOnce = 20_000

// run writes one run. Whatever of it is here stays; its status is written last.
func (m *Importer) run(ctx context.Context, w *work) error {
	t := m.target.Tracking
	fit := track.Batch{Params: w.Params, Tags: w.fresh()}.Fit()
	if w.old == nil {
		made := w.Run.Run
		made.Kind, made.Status, made.EndTime, made.Deleted = track.Script, track.Running, 0, false
		if w.Status == track.Scheduled {
			made.Status = track.Scheduled
		}
		made.Name = printable(made.Name)
		made.Params, made.Tags, made.Metrics = fit.Params, fit.Tags, nil
		made.Datasets, made.ModelInputs, made.ModelOutputs = nil, nil, nil
		if _, err := t.Create(ctx, made); err != nil {
			return err
		}
	}
	rest := track.Batch{Metrics: slices.Concat(w.Points, w.measured), Datasets: w.Datasets, ModelInputs: w.ModelInputs, ModelOutputs: w.ModelOutputs}
	if w.old != nil {
		rest.Params, rest.Tags = newParams(w.old.Params, fit.Params), fit.Tags
	}
	for first := true; first || len(rest.Metrics) > 0; first = false {
		b := rest
		b.Metrics = rest.Metrics[:min(pointsAtOnce, len(rest.Metrics))]
		if err := t.Log(ctx, w.ID, b.Fit()); err != nil {
			return err
		}
		rest = track.Batch{Metrics: rest.Metrics[len(b.Metrics):]}
	}
	if len(w.kept) > 0 {
		if err := t.PutArtifacts(ctx, track.Owner{ID: w.ID}, w.kept); err != nil {
			return err
		}
	}
	if err := fault.At(ctx, "mlruns.logged"); err != nil {
		return err
	}
	deleted := w.Deleted && (w.old == nil || !w.old.Status.Over()) // else it was, and has been restored here
	if w.Status.Over() {
		return t.Update(ctx, w.ID, track.Update{Status: w.Status, EndTime: w.end(), Delete: deleted})
	}
	if deleted {
		return t.Delete(ctx, w.ID)
	}
	return nil
}

// newParams are those that a run does not have.
func newParams(had, all []track.Param) []track.Param {
	return slices.DeleteFunc(slices.Clone(all), func(p track.Param) bool {
		return slices.ContainsFunc(had, func(h track.Param) bool { return h.Key == p.Key })
	})
}

// printable makes a name that may be stored; "" lets the service find one.
func printable(name string) string {
	name = strings.ToValidUTF8(name, "\uFFFD")
	name = strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, name))
	if utf8.RuneCountInString(name) > track.MaxName {
		name = string([]rune(name)[:track.MaxName])
	}
	return name
}

// placeKey is the URI of a place.
func placeKey(place string) string {
	uri, _, _ := strings.Cut(place, "\n")
	return strings.TrimRight(uri, "/")
}

// files lists the files at a place. That they cannot be read is a problem of
// theirs, not of the run.
func (m *Importer) files(ctx context.Context, what, place string) ([]File, error) {
	var out []File
	at, err := m.source.Files(ctx, place)
	if err == nil {
		err = at.Walk(ctx, func(f File) error {
			out = append(out, f)
			return nil
		})
	}
	if err != nil && ctx.Err() == nil {
		m.problem(what, err)
		return nil, nil
	}
	return out, err
}

// keep stores files and names them as artifacts, list by list.
func (m *Importer) keep(ctx context.Context, lists [][]File) (_ [][]track.Asset, err error) {
	out := make([][]track.Asset, len(lists))
	total := 0
	for i, list := range lists {
		out[i] = make([]track.Asset, len(list))
		total += len(list)
	}
	if total == 0 {
		return out, nil
	}
	batch, err := m.target.Objects.NewBatch(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, batch.Close()) }()
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(max(inFlight, runtime.NumCPU()))
	for i, list := range lists {
		for j, f := range list {
			g.Go(func() error {
				id, size, err := m.put(gctx, batch, f)
				if err != nil {
					return errs.New(errs.KindOf(err), "read %s: %w", f.Path, err)
				}
				out[i][j] = track.Asset{Path: f.Path, Role: track.Artifact, Kind: "file", ID: id, Size: size, Files: 1}
				m.task.Add(0, size)
				return nil
			})
		}
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	if err := batch.Commit(); err != nil {
		return nil, err
	}
	for i, list := range lists {
		out[i] = slices.DeleteFunc(out[i], func(a track.Asset) bool { return a.Path == "" })
		m.counted(list)
	}
	return out, fault.At(ctx, "mlruns.kept")
}

// put stores one file.
func (m *Importer) put(ctx context.Context, batch *store.Batch, f File) (oid.ID, int64, error) {
	if f.Name == "" {
		return m.putRemote(ctx, batch, f)
	}
	file, err := os.Open(f.Name)
	if err != nil {
		return oid.ID{}, 0, err
	}
	id, err := putFile(batch, file)
	return id, f.Size, errors.Join(err, file.Close())
}

func putFile(batch *store.Batch, f *os.File) (oid.ID, error) {
	info, err := f.Stat()
	if err != nil {
		return oid.ID{}, err
	}
	return batch.PutFile(f, info.Size())
}

// putRemote stores a file that is elsewhere, by a copy on this machine.
func (m *Importer) putRemote(ctx context.Context, batch *store.Batch, f File) (id oid.ID, size int64, err error) {
	body, err := f.Open(ctx)
	if err != nil {
		return id, 0, err
	}
	defer func() { err = errors.Join(err, body.Close()) }()
	small, err := io.ReadAll(io.LimitReader(body, store.LooseSize))
	if err != nil {
		return id, 0, err
	}
	if len(small) < store.LooseSize {
		id, err = batch.PutBytes(small)
		return id, int64(len(small)), err
	}
	tmp, err := os.CreateTemp(filepath.Join(m.target.Objects.Dir(), "tmp"), store.IncomingPrefix)
	if err != nil {
		return id, 0, err
	}
	defer func() { err = errors.Join(err, tmp.Close(), os.Remove(tmp.Name())) }()
	if _, err := tmp.Write(small); err != nil {
		return id, 0, err
	}
	rest, err := io.Copy(tmp, body)
	if err != nil {
		return id, 0, err
	}
	if _, err := tmp.Seek(0, io.SeekStart); err != nil {
		return id, 0, err
	}
	id, err = putFile(batch, tmp)
	return id, rest + int64(len(small)), err
}
