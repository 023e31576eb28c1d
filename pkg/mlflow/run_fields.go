package mlflow

import (
	"github.com/mlops-cli/mlops/pkg/track"
)

// fillRun puts the tags of a new run where they belong.
func fillRun(r *track.Run, tags []track.Tag) error {
	for _, t := range tags {
		if t.Key == track.RunNameTag && r.Name != "" && r.Name != t.Value {
			return Errorf(InvalidParameter, "Both 'run_name' argument and 'mlflow.runName' tag are specified, but with different values (run_name='%s', mlflow.runName='%s').", r.Name, t.Value)
		}
	}
	last := map[string]int{}
	for i, t := range tags {
		last[t.Key] = i
	}
	var kept []track.Tag // the last of each key, as stored
	for i, t := range tags {
		if last[t.Key] == i {
			kept = append(kept, t)
		}
	}
	r.TakeTags(kept)
	return checkLength("run_name", r.Name, track.MaxName)
}

// asFields lets conditions and orders look at the fields that are tags to
// clients.
func asFields(filter track.Filter, order []track.Order) {
	field := func(entity *track.Entity, key *string) {
		if *entity != track.Tags {
			return
		}
		switch *key {
		case track.RunNameTag:
			*entity, *key = track.Attributes, "run_name"
		case track.NoteTag:
			*entity, *key = track.Attributes, "note"
		}
	}
	for i := range filter {
		if filter[i].Op != track.IsNull && filter[i].Op != track.NotNull {
			field(&filter[i].Entity, &filter[i].Key)
		}
	}
	for i := range order {
		field(&order[i].Entity, &order[i].Key)
	}
}

// run writes a run; of a new one there are no outputs.
func (e *encoder) run(r *track.Run, root string, outputs bool) {
	e.object("info")
	e.runInfo(r, root)
	e.close()
	e.object("data")
	if len(r.Metrics) > 0 {
		e.list("metrics")
		for _, m := range r.Metrics {
			e.open()
			e.str("key", m.Key)
			e.float("value", float64(m.Value))
			e.integer("timestamp", m.Timestamp)
			e.integer("step", m.Step)
			e.close()
		}
		e.endList()
	}
	if len(r.Params) > 0 {
		e.list("params")
		for _, p := range r.Params {
			e.pair(p.Key, p.Value)
		}
		e.endList()
	}
	e.runTags(r)
	e.close()
	e.object("inputs")
	e.runInputs(r)
	e.close()
	if !outputs {
		return
	}
	e.object("outputs")
	if len(r.ModelOutputs) > 0 {
		e.list("model_outputs")
		for _, m := range r.ModelOutputs {
			e.open()
			e.str("model_id", m.Model)
			e.integer("step", m.Step)
			e.close()
		}
		e.endList()
	}
	e.close()
}

func (e *encoder) runInfo(r *track.Run, root string) {
	e.str("run_id", r.ID)
	e.str("run_uuid", r.ID)
	e.str("run_name", r.Name)
	e.str("experiment_id", r.ExperimentID)
	e.str("user_id", r.User)
	e.str("status", string(r.Status))
	e.integer("start_time", r.StartTime)
	if r.EndTime != 0 {
		e.integer("end_time", r.EndTime)
	}
	e.str("artifact_uri", runRoot(root, r.ID))
	e.str("lifecycle_stage", stage(r.Deleted))
}

// runRoot is where the artifacts of a run are, in an experiment whose are at
// root.
func runRoot(root, id string) string { return joinURI(root, id+"/artifacts") }

func (e *encoder) runTags(r *track.Run) {
	e.list("tags")
	has := map[string]bool{}
	for _, t := range r.Tags {
		has[t.Key] = true
		e.pair(t.Key, t.Value)
	}
	for _, t := range r.FieldTags() {
		if !has[t.Key] {
			e.pair(t.Key, t.Value)
		}
	}
	e.endList()
}

func (e *encoder) runInputs(r *track.Run) {
	if len(r.Datasets) > 0 {
		e.list("dataset_inputs")
		for _, d := range r.Datasets {
			e.open()
			e.tags("tags", d.Tags)
			e.object("dataset")
			e.str("name", d.Name)
			e.str("digest", d.Digest)
			e.str("source_type", d.SourceType)
			e.str("source", d.Source)
			e.optional("schema", d.Schema)
			e.optional("profile", d.Profile)
			e.close()
			e.close()
		}
		e.endList()
	}
	if len(r.ModelInputs) > 0 {
		e.list("model_inputs")
		for _, id := range r.ModelInputs {
			e.open()
			e.str("model_id", id)
			e.close()
		}
		e.endList()
	}
}
