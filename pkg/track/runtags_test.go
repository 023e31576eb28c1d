package track_test

import (
	"strings"
	"testing"

	"github.com/mlops-cli/mlops/pkg/track"
)

// TestTakeTags: what MLflow keeps as tags of a run are fields of ours, and come
// back as the same tags.
func TestTakeTags(t *testing.T) {
	t.Parallel()
	parent := strings.Repeat("ab", 16)
	r := track.Run{Kind: track.Script, User: "ada"}
	r.TakeTags([]track.Tag{
		{Key: track.RunNameTag, Value: "baseline"},
		{Key: track.RunNameTag, Value: "too late"},
		{Key: track.NoteTag, Value: "a note"},
		{Key: track.ParentTag, Value: parent},
		{Key: track.UserTag, Value: "bob"},
		{Key: track.SourceTag, Value: "train.py"},
		{Key: track.CommitTag, Value: "c0ffee"},
		{Key: track.BranchTag, Value: "main"},
		{Key: track.RepoTag, Value: "https://example.com/r.git"},
		{Key: "team", Value: "vision"},
	})
	if r.Name != "baseline" || r.Note != "a note" || r.Parent != parent || r.User != "ada" || r.Source != "train.py" ||
		r.Git != (track.Git{Commit: "c0ffee", Branch: "main", Remote: "https://example.com/r.git"}) {
		t.Errorf("%+v", r)
	}
	keys := func(tags []track.Tag) string {
		var list []string
		for _, tag := range tags {
			list = append(list, tag.Key)
		}
		return strings.Join(list, " ")
	}
	if got, want := keys(r.Tags), "mlflow.parentRunId mlflow.user mlflow.source.name mlflow.source.git.commit mlflow.source.git.branch mlflow.source.git.repoURL team"; got != want {
		t.Errorf("tags %s, want %s", got, want)
	}
	if got, want := keys(r.FieldTags()), "mlflow.runName mlflow.note.content mlflow.parentRunId mlflow.source.name mlflow.source.git.commit mlflow.source.git.branch mlflow.source.git.repoURL"; got != want {
		t.Errorf("tags of fields %s, want %s", got, want)
	}
	odd := track.Run{Kind: track.Script}
	odd.TakeTags([]track.Tag{{Key: track.ParentTag, Value: "no id"}})
	if odd.Parent != "" || len(odd.Tags) != 1 || len(odd.FieldTags()) != 0 {
		t.Errorf("a parent that is no id: %+v", odd)
	}
	if got := keys((&track.Run{Name: "n", Kind: track.Pipeline}).FieldTags()); got != "mlflow.runName mlflow.source.type" {
		t.Errorf("a run of a pipeline: %s", got)
	}
}
