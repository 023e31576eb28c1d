package track

import "slices"

// Tags of MLflow that say what a run has a field for.
const (
	RunNameTag    = "mlflow.runName"
	NoteTag       = "mlflow.note.content"
	ParentTag     = "mlflow.parentRunId"
	UserTag       = "mlflow.user"
	SourceTag     = "mlflow.source.name"
	SourceTypeTag = "mlflow.source.type"
	CommitTag     = "mlflow.source.git.commit"
	BranchTag     = "mlflow.source.git.branch"
	RepoTag       = "mlflow.source.git.repoURL"
)

// TakeTags adds tags as MLflow has them. Name and note live in their fields
// only; the others fill their fields and stay tags, as they were sent. A name
// and a user that the run has already are kept.
func (r *Run) TakeTags(tags []Tag) {
	for _, t := range tags {
		switch t.Key {
		case RunNameTag:
			if r.Name == "" {
				r.Name = t.Value
			}
			continue
		case NoteTag:
			r.Note = t.Value
			continue
		case ParentTag:
			if CheckID(t.Value) == nil {
				r.Parent = t.Value
			}
		case UserTag:
			if r.User == "" {
				r.User = t.Value
			}
		case SourceTag:
			r.Source = t.Value
		case CommitTag:
			r.Git.Commit = t.Value
		case BranchTag:
			r.Git.Branch = t.Value
		case RepoTag:
			r.Git.Remote = t.Value
		}
		r.Tags = append(r.Tags, t)
	}
}

// FieldTags are the tags that a run's fields stand for, the empty ones left
// out, whether or not it has them as tags, too.
func (r *Run) FieldTags() []Tag {
	sourceType := ""
	if r.Kind != Script {
		sourceType = "PROJECT"
	}
	all := []Tag{
		{Key: RunNameTag, Value: r.Name},
		{Key: NoteTag, Value: r.Note},
		{Key: ParentTag, Value: r.Parent},
		{Key: SourceTag, Value: r.Source},
		{Key: SourceTypeTag, Value: sourceType},
		{Key: CommitTag, Value: r.Git.Commit},
		{Key: BranchTag, Value: r.Git.Branch},
		{Key: RepoTag, Value: r.Git.Remote},
	}
	return slices.DeleteFunc(all, func(t Tag) bool { return t.Value == "" })
}
