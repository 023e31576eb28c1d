package trackdb

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/mlops-cli/mlops/pkg/db"
	"github.com/mlops-cli/mlops/pkg/db/dbtest"
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/track"
)

// wantError fails unless err is of kind k and holds want.
func wantError[E error](t *testing.T, err error, k errs.Kind, want string) {
	t.Helper()
	var typed E
	if !errors.As(err, &typed) || errs.KindOf(err) != k || fmt.Sprintf("%+v", typed) != want {
		t.Errorf("error %v (%T %+v), want %s of kind %s", err, err, typed, want, k)
	}
}

func experiment(t *testing.T, s *Service, name string, tags ...track.Tag) track.Experiment {
	t.Helper()
	e, err := s.CreateExperiment(t.Context(), track.Experiment{Name: name, Tags: tags})
	must(t, err)
	return e
}

func filter(t *testing.T, l track.Language, text string) track.Filter {
	t.Helper()
	f, err := l.Filter(text)
	must(t, err)
	return f
}

func orders(t *testing.T, l track.Language, text ...string) []track.Order {
	t.Helper()
	var list []track.Order
	for _, word := range text {
		o, err := l.Order(word)
		must(t, err)
		list = append(list, o)
	}
	return list
}

func TestExperiments(t *testing.T) {
	t.Parallel()
	everyStore(t, func(t *testing.T, fresh freshStore) {
		s, ctx := fresh(t), t.Context()
		if d, err := s.Experiment(ctx, "0"); err != nil || d.Name != track.DefaultExperiment {
			t.Errorf("experiment 0: %+v %v", d, err)
		}
		a := experiment(t, s, "a", track.Tag{Key: "team", Value: "vision"})
		b := experiment(t, s, "B")
		if a.ID != "1" || b.ID != "2" || a.Created == 0 || a.Tags[0].Value != "vision" {
			t.Errorf("made %+v and %+v", a, b)
		}
		_, err := s.CreateExperiment(ctx, track.Experiment{Name: "a"})
		wantError[*track.ExistsError](t, err, errs.Conflict, "experiment a exists already")
		_, err = s.Experiment(ctx, "77")
		wantError[*track.MissingError](t, err, errs.NotFound, "experiment 77 does not exist")
		_, err = s.Experiment(ctx, "x")
		wantError[*track.MissingError](t, err, errs.NotFound, "experiment x does not exist")
		_, err = s.ExperimentByName(ctx, "nope")
		wantError[*track.MissingError](t, err, errs.NotFound, "experiment nope does not exist")

		must(t, s.SetExperimentTags(ctx, b.ID, []track.Tag{{Key: "team", Value: "audio"}, {Key: "k", Value: "v"}}))
		must(t, s.SetExperimentTags(ctx, b.ID, []track.Tag{{Key: "team", Value: "speech"}}))
		must(t, s.DeleteExperimentTag(ctx, b.ID, "k"))
		wantError[*track.MissingError](t, s.DeleteExperimentTag(ctx, b.ID, "k"), errs.NotFound, `experiment 2 has no tag "k"`)
		wantError[*track.ExistsError](t, s.RenameExperiment(ctx, b.ID, "a"), errs.Conflict, "experiment a exists already")
		must(t, s.RenameExperiment(ctx, b.ID, "b"))

		one := create(t, s, track.Run{ExperimentID: a.ID, Tags: []track.Tag{{Key: "x", Value: "1"}}})
		if one.Experiment != "a" || one.ExperimentID != a.ID {
			t.Errorf("run %+v", one)
		}
		must(t, s.DeleteExperiment(ctx, a.ID))
		wantError[*track.DeletedError](t, s.RenameExperiment(ctx, a.ID, "c"), errs.Conflict, "experiment 1 is deleted")
		_, err = s.Create(ctx, track.Run{ExperimentID: a.ID})
		wantError[*track.DeletedError](t, err, errs.Conflict, "experiment 1 is deleted")
		_, err = s.Create(ctx, track.Run{ExperimentID: "99"})
		wantError[*track.MissingError](t, err, errs.NotFound, "experiment 99 does not exist")
		_, err = s.CreateExperiment(ctx, track.Experiment{Name: "a"})
		wantError[*track.ExistsError](t, err, errs.Conflict, "experiment a exists already, deleted")
		wantError[*track.DeletedError](t, s.Log(ctx, one.ID, track.Batch{Tags: []track.Tag{{Key: "y"}}}), errs.Conflict, "run "+one.ID+" is deleted")
		if e, err := s.ExperimentByName(ctx, "a"); err != nil || !e.Deleted || e.Runs != 0 {
			t.Errorf("deleted: %+v %v", e, err)
		}

		search := func(q track.ExperimentQuery) string {
			t.Helper()
			list, err := s.SearchExperiments(ctx, q)
			must(t, err)
			names := []string{}
			for _, e := range list {
				names = append(names, e.Name)
			}
			return strings.Join(names, " ")
		}
		l := track.ExperimentLanguage()
		for _, c := range []struct {
			q    track.ExperimentQuery
			want string
		}{
			{track.ExperimentQuery{Order: orders(t, l, "name")}, "Default b"},
			{track.ExperimentQuery{Deleted: true, Order: orders(t, l, "experiment_id DESC")}, "b a Default"},
			{track.ExperimentQuery{Removed: true}, "a"},
			{track.ExperimentQuery{Deleted: true, Order: orders(t, l, "name DESC"), Limit: 1, Offset: 1}, "a"},
			{track.ExperimentQuery{Deleted: true, Order: orders(t, l, "name DESC"), Offset: 1}, "a Default"},
			{track.ExperimentQuery{Filter: filter(t, l, "tags.team = 'speech'")}, "b"},
			{track.ExperimentQuery{Filter: filter(t, l, "name ILIKE 'DEF%'")}, "Default"},
			{track.ExperimentQuery{Filter: filter(t, l, "name LIKE 'DEF%'")}, ""},
			{track.ExperimentQuery{Filter: filter(t, l, "tags.team IS NULL")}, "Default"},
			{track.ExperimentQuery{Filter: filter(t, l, "creation_time > 0 AND tags.team IS NOT NULL")}, "b"},
		} {
			if got := search(c.q); got != c.want {
				t.Errorf("search %+v: %q, want %q", c.q, got, c.want)
			}
		}
		must(t, s.RestoreExperiment(ctx, a.ID))
		err = s.RestoreExperiment(ctx, a.ID)
		wantError[*track.MissingError](t, err, errs.NotFound, "experiment 1 does not exist")
		if e, err := s.Experiment(ctx, a.ID); err != nil || e.Deleted || e.Runs != 1 {
			t.Errorf("restored: %+v %v", e, err)
		}
	})
}

func TestAClientMayTakeUpAScriptAndNothingElse(t *testing.T) {
	t.Parallel()
	everyStore(t, func(t *testing.T, fresh freshStore) {
		s, ctx := fresh(t), track.AsUser(t.Context(), "grace")
		r, err := s.Create(ctx, track.Run{})
		must(t, err)
		if r.User != "grace" {
			t.Errorf("user %q", r.User)
		}
		must(t, s.Update(ctx, r.ID, track.Update{Status: track.Finished, EndTime: 5000, Name: "n"}))
		must(t, s.Log(ctx, r.ID, track.Batch{Metrics: []track.Metric{{Key: "late", Value: 1}}, Params: []track.Param{{Key: "p", Value: "1"}}}))
		got, err := s.Run(ctx, r.ID)
		must(t, err)
		if got.Status != track.Finished || got.EndTime != 5000 || got.Name != "n" || len(got.Metrics) != 1 {
			t.Errorf("run %+v", got)
		}
		must(t, s.Update(ctx, r.ID, track.Update{Status: track.Running}))
		if got, err = s.Run(ctx, r.ID); err != nil || got.Status != track.Running || got.EndTime != 0 {
			t.Errorf("taken up: %+v %v", got, err)
		}
		must(t, s.Update(ctx, r.ID, track.Update{Status: track.Failed}))
		if got, err = s.Run(ctx, r.ID); err != nil || got.Status != track.Failed || got.EndTime == 0 {
			t.Errorf("failed: %+v %v", got, err)
		}
		wantError[*track.ParamError](t, s.Log(ctx, r.ID, track.Batch{Params: []track.Param{{Key: "p", Value: "2"}}}), errs.Conflict,
			`param "p" of run `+r.ID+` is "1" already and cannot become "2"`)

		p := create(t, s, track.Run{Kind: track.Pipeline})
		must(t, s.Finish(ctx, p.ID, track.Finished, track.Batch{}))
		wantError[*track.EndedError](t, s.Update(ctx, p.ID, track.Update{Status: track.Running}), errs.Conflict, "run "+p.ID+" is FINISHED and no longer changes")
		must(t, s.Update(ctx, p.ID, track.Update{Status: track.Finished, EndTime: 1, Name: "kept"}))
		if got, err = s.Run(ctx, p.ID); err != nil || got.EndTime == 1 || got.Name != "kept" {
			t.Errorf("pipeline: %+v %v", got, err)
		}
		must(t, s.Delete(ctx, r.ID))
		wantError[*track.DeletedError](t, s.Update(ctx, r.ID, track.Update{Name: "x"}), errs.Conflict, "run "+r.ID+" is deleted")
		_, err = s.Create(ctx, track.Run{ID: p.ID})
		wantError[*track.ExistsError](t, err, errs.Conflict, "run "+p.ID+" exists already")
		events, err := s.Events(ctx, track.EventQuery{Subject: r.ID, Kinds: []string{"run.started", "run.finished"}})
		must(t, err)
		if len(events) != 3 || events[0].By != "grace" {
			t.Errorf("events %v", events)
		}
	})
}

func TestLoggedOrderAndNulls(t *testing.T) {
	t.Parallel()
	everyStore(t, func(t *testing.T, fresh freshStore) {
		s, ctx := fresh(t), t.Context()
		r := create(t, s, track.Run{Params: []track.Param{{Key: "z", Value: "1"}, {Key: "a", Value: ""}}})
		must(t, s.Log(ctx, r.ID, track.Batch{
			Params:  []track.Param{{Key: "m", Value: strings.Repeat("long ", 1000)}},
			Tags:    []track.Tag{{Key: "t2", Value: "x"}, {Key: "t1", Value: "y"}},
			Metrics: []track.Metric{{Key: "loss"}, {Key: "acc"}},
		}))
		must(t, s.SetTags(ctx, r.ID, []track.Tag{{Key: "t2", Value: "again"}}))
		runs, err := s.Runs(ctx, track.Query{IDs: []string{r.ID}, Logged: true})
		must(t, err)
		var keys []string
		for _, p := range runs[0].Params {
			keys = append(keys, p.Key)
		}
		for _, m := range runs[0].Metrics {
			keys = append(keys, m.Key)
		}
		for _, tag := range runs[0].Tags {
			keys = append(keys, tag.Key)
		}
		if got := strings.Join(keys, " "); got != "z a m loss acc t2 t1" {
			t.Errorf("logged as %s", got)
		}
		for text, want := range map[string]int{
			"params.none IS NULL": 1, "params.a IS NOT NULL": 1, "params.a IS NULL": 0, "tags.t1 = 'y'": 1, "params.a = ''": 1,
			"params.m LIKE 'long%'": 1, "params.m = '" + strings.Repeat("long ", 1000) + "'": 1,
			"artifact_uri = 'mlflow-artifacts:/0/" + r.ID + "/artifacts'": 1, "run_id IN ('" + r.ID + "')": 1, "start_time > 1.5": 1,
		} {
			got, err := s.Runs(ctx, track.Query{Filter: filter(t, track.RunLanguage(), text), Experiments: []string{"0", "5"}, Limit: 10})
			if err != nil || len(got) != want {
				t.Errorf("%s: %d runs (%v), want %d", text, len(got), err, want)
			}
		}
		if got, err := s.Runs(ctx, track.Query{Experiments: []string{}}); err != nil || len(got) != 0 {
			t.Errorf("no experiment: %v %v", got, err)
		}
	})
}

func TestInputsAndDatasets(t *testing.T) {
	t.Parallel()
	everyStore(t, func(t *testing.T, fresh freshStore) {
		s, ctx := fresh(t), t.Context()
		e := experiment(t, s, "e")
		a, b := create(t, s, track.Run{ExperimentID: e.ID}), create(t, s, track.Run{ExperimentID: e.ID})
		iris := track.Dataset{Name: "iris", Digest: "d1", SourceType: "local", Source: "x.csv", Schema: "s", Profile: "p"}
		train := []track.Tag{{Key: track.ContextTag, Value: "train"}}
		must(t, s.Log(ctx, a.ID, track.Batch{
			Datasets:    []track.DatasetInput{{Dataset: iris, Tags: train}, {Dataset: track.Dataset{Name: "cars", Digest: "d2"}}},
			ModelInputs: []string{"m-1", "m-1"}, ModelOutputs: []track.ModelOutput{{Model: "m-2", Step: 3}},
		}))
		must(t, s.Log(ctx, a.ID, track.Batch{Datasets: []track.DatasetInput{{Dataset: iris, Tags: []track.Tag{{Key: "k", Value: "v"}}}}}))
		must(t, s.Log(ctx, b.ID, track.Batch{Datasets: []track.DatasetInput{{Dataset: iris, Tags: []track.Tag{{Key: track.ContextTag, Value: "eval"}}}}}))
		got, err := s.Run(ctx, a.ID)
		must(t, err)
		if len(got.Datasets) != 2 || got.Datasets[0].Dataset != iris || len(got.Datasets[0].Tags) != 1 || got.Datasets[1].Name != "cars" ||
			!slices.Equal(got.ModelInputs, []string{"m-1"}) || !slices.Equal(got.ModelOutputs, []track.ModelOutput{{Model: "m-2", Step: 3}}) {
			t.Errorf("inputs %+v", got)
		}
		list, err := s.Datasets(ctx, []string{e.ID}, 10)
		must(t, err)
		if fmt.Sprint(list) != fmt.Sprintf("[{%[1]s cars d2 } {%[1]s iris d1 eval} {%[1]s iris d1 train}]", e.ID) {
			t.Errorf("datasets %v", list)
		}
		for text, want := range map[string]int{
			"dataset.name = 'iris'": 2, "dataset.context = 'train'": 1, "datasets.digest IN ('d2', 'D1')": 1, "dataset.name LIKE 'i%' AND dataset.context = 'eval'": 1,
		} {
			runs, err := s.Runs(ctx, track.Query{Filter: filter(t, track.RunLanguage(), text), Inputs: true})
			if err != nil || len(runs) != want {
				t.Errorf("%s: %d runs (%v), want %d", text, len(runs), err, want)
			}
		}
	})
}

func TestLoggedModels(t *testing.T) {
	t.Parallel()
	everyStore(t, func(t *testing.T, fresh freshStore) {
		s, ctx := fresh(t), t.Context()
		e := experiment(t, s, "e")
		r := create(t, s, track.Run{ExperimentID: e.ID})
		model := func(name string, params ...track.Param) track.LoggedModel {
			m, err := s.CreateLoggedModel(ctx, track.LoggedModel{
				ExperimentID: e.ID, Name: name, Type: "sklearn", Run: r.ID, Params: params, Tags: []track.Tag{{Key: "who", Value: name}},
			})
			must(t, err)
			return m
		}
		a, b := model("a", track.Param{Key: "depth", Value: "3"}), model("b")
		if !track.IsModelID(a.ID) || a.Status != track.ModelPending || a.Experiment != "e" || a.Params[0].Value != "3" || a.Created == 0 {
			t.Errorf("model %+v", a)
		}
		must(t, s.FinishLoggedModel(ctx, a.ID, track.ModelReady, ""))
		must(t, s.SetLoggedModelTags(ctx, a.ID, []track.Tag{{Key: "x", Value: "1"}, {Key: "x", Value: "2"}}))
		must(t, s.LogModelParams(ctx, a.ID, []track.Param{{Key: "lr", Value: "0.1"}, {Key: "depth", Value: "3"}}))
		wantError[*track.ParamError](t, s.LogModelParams(ctx, a.ID, []track.Param{{Key: "lr", Value: "9"}}), errs.Conflict,
			`param "lr" of logged model `+a.ID+` is "0.1" already and cannot become "9"`)
		must(t, s.DeleteLoggedModelTag(ctx, a.ID, "who"))
		wantError[*track.MissingError](t, s.DeleteLoggedModelTag(ctx, a.ID, "who"), errs.NotFound, "logged model "+a.ID+` has no tag "who"`)
		must(t, s.Log(ctx, r.ID, track.Batch{Metrics: []track.Metric{
			{Key: "acc", Value: 0.9, Timestamp: 1, Model: a.ID, Dataset: "iris", Digest: "d"},
			{Key: "acc", Value: 0.7, Timestamp: 2, Step: 1, Model: b.ID},
			{Key: "acc", Value: 0.95, Timestamp: 2, Step: 1, Model: a.ID, Dataset: "cars", Digest: "d"},
			{Key: "loss", Value: math.NaN(), Model: b.ID},
		}}))
		wantError[*track.MissingError](t, s.Log(ctx, r.ID, track.Batch{Metrics: []track.Metric{{Key: "acc", Model: "m-none"}}}), errs.NotFound,
			"logged model m-none does not exist")
		got, err := s.LoggedModel(ctx, a.ID)
		must(t, err)
		if got.Status != track.ModelReady || len(got.Params) != 2 || len(got.Tags) != 1 || got.Tags[0].Value != "2" || len(got.Metrics) != 2 ||
			got.Metrics[0].Dataset != "iris" || got.Metrics[0].Run != r.ID || got.Metrics[1].Value != 0.95 {
			t.Errorf("model %+v", got)
		}
		run, err := s.Run(ctx, r.ID)
		must(t, err)
		if acc, _ := run.Metric("acc"); acc.Count != 3 {
			t.Errorf("the run has %+v", run.Metrics)
		}
		l := track.LoggedModelLanguage()
		metric := func(key string, desc bool, dataset string) []track.ModelOrder {
			return []track.ModelOrder{{Order: track.Order{Entity: track.Metrics, Key: key, Descending: desc}, Dataset: track.DatasetKey{Name: dataset}}}
		}
		for _, c := range []struct {
			q    track.ModelQuery
			want string
		}{
			{track.ModelQuery{Order: []track.ModelOrder{{Order: orders(t, l, "name")[0]}}}, "a b"},
			{track.ModelQuery{Order: metric("acc", false, "")}, "b a"},
			{track.ModelQuery{Order: metric("acc", true, "iris")}, "a b"},
			{track.ModelQuery{Order: metric("acc", true, ""), Limit: 1, Offset: 1}, "b"},
			{track.ModelQuery{Filter: filter(t, l, "metrics.acc > 0.8")}, "a"},
			{track.ModelQuery{Filter: filter(t, l, "metrics.acc > 0.92"), Datasets: []track.DatasetKey{{Name: "iris", Digest: "d"}}}, ""},
			{track.ModelQuery{Datasets: []track.DatasetKey{{Name: "iris"}}}, "a"},
			{track.ModelQuery{Filter: filter(t, l, "name = 'b' AND tags.who = 'b'")}, "b"},
			{track.ModelQuery{Filter: filter(t, l, "params.depth = '3' AND status = 'LOGGED_MODEL_READY'")}, "a"},
			{track.ModelQuery{Experiments: []string{"0"}}, ""},
			{track.ModelQuery{Filter: filter(t, l, "creation_timestamp > 0 AND source_run_id = '"+r.ID+"'"), Order: []track.ModelOrder{{Order: orders(t, l, "name DESC")[0]}}}, "b a"},
		} {
			list, err := s.LoggedModels(ctx, c.q)
			must(t, err)
			names := []string{}
			for _, m := range list {
				names = append(names, m.Name)
			}
			if got := strings.Join(names, " "); got != c.want {
				t.Errorf("search %+v: %q, want %q", c.q, got, c.want)
			}
		}
		must(t, s.DeleteLoggedModel(ctx, b.ID))
		_, err = s.LoggedModel(ctx, b.ID)
		wantError[*track.MissingError](t, err, errs.NotFound, "logged model "+b.ID+" does not exist")
	})
}

func TestArtifacts(t *testing.T) {
	t.Parallel()
	everyStore(t, func(t *testing.T, fresh freshStore) {
		s, ctx := fresh(t), t.Context()
		r := create(t, s, track.Run{})
		m, err := s.CreateLoggedModel(ctx, track.LoggedModel{ExperimentID: "0", Name: "m", Run: r.ID})
		must(t, err)
		file := func(path, text string) track.Asset {
			return track.Asset{Path: path, Kind: "file", ID: oid.Sum([]byte(text)), Size: int64(len(text)), Files: 1}
		}
		for _, o := range []track.Owner{{ID: r.ID}, {Model: true, ID: m.ID}, {Shared: true}} {
			must(t, s.PutArtifacts(ctx, o, []track.Asset{file("a", "1"), file("d/x", "22"), file("d/y/z", "333"), file("d-e", "4")}))
			must(t, s.PutArtifacts(ctx, o, []track.Asset{file("a", "new")}))
			must(t, s.PutArtifacts(ctx, o, []track.Asset{{Path: "tree", Kind: "dir", ID: oid.Sum([]byte("t")), Size: 9, Files: 3}}))
			show := func(dir string) string {
				list, err := s.ListArtifacts(ctx, o, dir)
				must(t, err)
				words := []string{}
				for _, a := range list {
					words = append(words, fmt.Sprintf("%s:%s:%d:%d", a.Path, a.Kind, a.Size, a.Files))
				}
				return strings.Join(words, " ")
			}
			for dir, want := range map[string]string{
				"": "a:file:3:1 d:dir:5:2 d-e:file:1:1 tree:dir:9:3", "d": "d/x:file:2:1 d/y:dir:3:1", "d/y": "d/y/z:file:3:1", "none": "", "a": "",
			} {
				if got := show(dir); got != want {
					t.Errorf("list %q: %s, want %s", dir, got, want)
				}
			}
			if a, err := s.Artifact(ctx, o, "tree/in/it"); err != nil || a.Path != "tree" {
				t.Errorf("in a tree: %+v %v", a, err)
			}
			if a, err := s.Artifact(ctx, o, "a"); err != nil || a.ID != oid.Sum([]byte("new")) {
				t.Errorf("a: %+v %v", a, err)
			}
			for _, none := range []string{"d", "b", "a/b"} {
				_, err := s.Artifact(ctx, o, none)
				wantError[*track.MissingError](t, err, errs.NotFound, "artifact "+none+" does not exist")
			}
			wantKind(t, s.PutArtifacts(ctx, o, []track.Asset{file("d", "x")}), errs.Conflict)
			wantKind(t, s.PutArtifacts(ctx, o, []track.Asset{file("a/b", "x")}), errs.Conflict)
			for _, bad := range []string{"", "..", "../x", "/x", "a/../b", "a//b", "."} {
				wantKind(t, s.PutArtifacts(ctx, o, []track.Asset{file(bad, "x")}), errs.Usage)
			}
			if n, err := s.DeleteArtifacts(ctx, o, "d"); err != nil || n != 2 {
				t.Errorf("delete d: %d %v", n, err)
			}
			if got := show(""); got != "a:file:3:1 d-e:file:1:1 tree:dir:9:3" {
				t.Errorf("after the delete: %s", got)
			}
		}
		seen := 0
		must(t, s.Objects(ctx, 0, func(string, string, string, oid.ID) error { seen++; return nil }))
		if seen != 9 {
			t.Errorf("%d objects are named, want 9", seen)
		}
		if got, err := s.Run(ctx, r.ID); err != nil || len(got.Assets) != 3 || got.Assets[0].Role != track.Artifact {
			t.Errorf("assets %+v %v", got.Assets, err)
		}
		must(t, s.Delete(ctx, r.ID))
		wantError[*track.DeletedError](t, s.PutArtifacts(ctx, track.Owner{ID: r.ID}, []track.Asset{file("q", "q")}), errs.Conflict, "run "+r.ID+" is deleted")
		wantError[*track.MissingError](t, s.PutArtifacts(ctx, track.Owner{ID: "none"}, nil), errs.NotFound, "run none does not exist")
	})
}

func TestRequestsThatShareACommitFailAlone(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, open dbtest.Opener) {
		// Two servers with many clients each.
		services := []*Service{over(open(t)), over(open(t))}
		ctx := t.Context()
		r := create(t, services[0], track.Run{Params: []track.Param{{Key: "p", Value: "1"}}})
		var wg sync.WaitGroup
		for c := range 16 {
			s := services[c%2]
			wg.Go(func() {
				for i := range 10 {
					bad := (c+i)%3 == 0
					b := track.Batch{Metrics: []track.Metric{{Key: fmt.Sprintf("m%d", c), Step: int64(i)}}}
					if bad {
						b.Params = []track.Param{{Key: "q" + fmt.Sprint(c, i)}, {Key: "p", Value: "2"}}
					}
					if err := s.Log(ctx, r.ID, b); (err != nil) != bad {
						t.Errorf("client %d, request %d: %v", c, i, err)
					}
				}
			})
		}
		wg.Wait()
		got, err := services[1].Run(ctx, r.ID)
		must(t, err)
		var count int64
		for _, m := range got.Metrics {
			count += m.Count
		}
		if len(got.Params) != 1 || count != 106 {
			t.Errorf("%d params, %d points; want 1 and 106", len(got.Params), count)
		}
	})
}

func TestManyServersMakeAnExperimentOnce(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, open dbtest.Opener) {
		services := []*Service{over(open(t)), over(open(t)), over(open(t))}
		var wg sync.WaitGroup
		made := make([]error, 12)
		for i := range made {
			wg.Go(func() {
				_, made[i] = services[i%3].CreateExperiment(t.Context(), track.Experiment{Name: "race"})
				if _, err := services[i%3].Create(t.Context(), track.Run{Experiment: "other"}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		ok := 0
		for _, err := range made {
			if _, exists := errors.AsType[*track.ExistsError](err); err == nil {
				ok++
			} else if !exists {
				t.Error(err)
			}
		}
		if e, err := services[0].ExperimentByName(t.Context(), "other"); ok != 1 || err != nil || e.Runs != 12 {
			t.Errorf("%d made it; %+v %v", ok, e, err)
		}
	})
}

func TestTextThatADatabaseDoesNotKeepIsRefused(t *testing.T) {
	t.Parallel()
	s := over(dbtest.Postgres(t)(t))
	wantKind(t, s.SetTags(t.Context(), create(t, s, track.Run{}).ID, []track.Tag{{Key: "k", Value: "a\x00b"}}), errs.Usage)
	if s.db.Dialect() != db.Postgres {
		t.Error("not PostgreSQL")
	}
}

func TestKeysAndWhatIsForgotten(t *testing.T) {
	t.Parallel()
	everyStore(t, func(t *testing.T, fresh freshStore) {
		s, ctx := fresh(t), t.Context()
		a := create(t, s, track.Run{Params: []track.Param{{Key: "z"}, {Key: "B"}}})
		b := create(t, s, track.Run{Parent: a.ID, Params: []track.Param{{Key: "a"}}, Tags: []track.Tag{{Key: "t"}}})
		for entity, want := range map[track.Entity]string{track.Params: "[B a z]", track.Tags: "[t]", track.Metrics: "[]"} {
			if got, err := s.Keys(ctx, entity); err != nil || fmt.Sprint(got) != want {
				t.Errorf("keys of %s: %v %v, want %s", entity, got, err, want)
			}
		}
		if got, err := s.KeysOf(ctx, track.Query{Parent: a.ID, Limit: 5}, track.Params); err != nil || fmt.Sprint(got) != "[a]" {
			t.Errorf("keys of children: %v %v", got, err)
		}
		must(t, s.DeleteTags(ctx, b.ID, []string{"t"}))
		all, err := s.Keys(ctx, track.Tags)
		if of, oerr := s.KeysOf(ctx, track.Query{Limit: 5}, track.Tags); err != nil || oerr != nil || len(all)+len(of) != 0 {
			t.Errorf("keys of tags that were removed: %v %v %v %v", all, of, err, oerr)
		}
		if runs, err := s.Runs(ctx, track.Query{Top: true, Counts: true}); err != nil || len(runs) != 1 || runs[0].Children != 1 {
			t.Errorf("top: %+v %v", runs, err)
		}
		must(t, s.Delete(ctx, b.ID))
		at := s.now()
		if n, err := s.Removed(ctx, at); err != nil || n != 1 {
			t.Errorf("removed %d %v", n, err)
		}
		if ids, err := s.Forget(ctx, at); err != nil || len(ids) != 1 || ids[0] != b.ID {
			t.Errorf("forgot %v %v", ids, err)
		}
		_, err = s.Run(ctx, b.ID)
		wantKind(t, err, errs.NotFound)
		e := experiment(t, s, "short")
		gone := create(t, s, track.Run{ExperimentID: e.ID})
		m, err := s.CreateLoggedModel(ctx, track.LoggedModel{ExperimentID: e.ID, Name: "m"})
		must(t, err)
		must(t, s.DeleteExperiment(ctx, e.ID))
		if ids, err := s.Forget(ctx, s.now()); err != nil || len(ids) != 1 || ids[0] != gone.ID {
			t.Errorf("forgot %v %v", ids, err)
		}
		if _, err := s.LoggedModel(ctx, m.ID); !errs.Is(err, errs.NotFound) {
			t.Errorf("a model of an experiment that is gone: %v", err)
		}
		experiment(t, s, "short")
		// The row of the next run has the number of the one that is gone.
		c := create(t, s, track.Run{})
		for _, id := range []string{a.ID, c.ID} {
			must(t, s.Log(ctx, id, track.Batch{Metrics: []track.Metric{{Key: "m", Value: 1}}}))
		}
		if got, err := s.Run(ctx, c.ID); err != nil || len(got.Metrics) != 1 || len(got.Params) != 0 {
			t.Errorf("%+v %v", got, err)
		}
		if events, err := s.Events(ctx, track.EventQuery{Kinds: []string{"run.forgotten", "experiment"}, Last: 1}); err != nil || len(events) != 1 {
			t.Errorf("events %v %v", events, err)
		}
	})
}
