package registry

import (
	"context"

	"github.com/mlops-cli/mlops/pkg/track"
)

// Query chooses models or versions. Its zero value means all. Conditions and
// orders name what MLflow's search names: of models name, creation_timestamp,
// last_updated_timestamp and tags; of versions also run_id, source_path and
// version_number.
type Query struct {
	Filter  track.Filter
	Order   []track.Order // ties by name, then the highest version first
	Offset  int
	Limit   int  // 0 for all
	Prompts bool // also prompts, which MLflow's clients keep as models with a tag
	Bare    bool // of versions, without Details and Approvals
}

// PromptTag is the tag, with value "true", of models that are prompts.
const PromptTag = "mlflow.prompt.is_prompt"

// Reader is what a program that shows models needs.
type Reader interface {
	// Model returns a model; a *MissingError when there is none.
	Model(ctx context.Context, name string) (Model, error)
	// Models lists models by name.
	Models(ctx context.Context, q Query) ([]Model, error)
	// Version returns a version by number; a *MissingError when there is none.
	Version(ctx context.Context, name string, number int) (Version, error)
	// Versions lists versions by name, the highest number first.
	Versions(ctx context.Context, q Query) ([]Version, error)
	// Latest returns the highest version of each of the stages, or of all that
	// have versions when none is given.
	Latest(ctx context.Context, name string, stages ...Stage) ([]Version, error)
	// Find returns the version that a Ref names. A bare name means its highest
	// version; the alias latest and, where no alias is called so, a stage are
	// understood too.
	Find(ctx context.Context, ref Ref) (Version, error)
}

// Registrar makes models and versions.
type Registrar interface {
	// CreateModel registers a name with its description and tags. An
	// *ExistsError when there is one already.
	CreateModel(ctx context.Context, m Model) (Model, error)
	// CreateVersion adds a version to a model that exists, and returns it with
	// what was missing filled in: number, id, times, user, stage, status. An
	// *ExistsError when there is, or was, a version of that id.
	CreateVersion(ctx context.Context, v Version) (Version, error)
	// Rename gives a model another name; its versions keep their numbers.
	Rename(ctx context.Context, name, newName string) (Model, error)
	// Delete removes a version, whose number stays used, or a whole model.
	Delete(ctx context.Context, ref Ref) error
}

// Curator changes what may change. A Ref without a version means the model;
// one with an alias is refused: Find it first.
type Curator interface {
	Describe(ctx context.Context, ref Ref, text string) error
	SetTag(ctx context.Context, ref Ref, key, value string) error
	// DeleteTag says nothing of a tag that is not there.
	DeleteTag(ctx context.Context, ref Ref, key string) error
	SetAlias(ctx context.Context, name, alias string, number int) error
	// DeleteAlias says nothing of an alias that is not there.
	DeleteAlias(ctx context.Context, name, alias string) error
	// SetStage moves a version to a stage; with archive, all others of that
	// stage to Archived, which only Staging and Production allow.
	SetStage(ctx context.Context, name string, number int, stage Stage, archive bool) (Version, error)
}

// Promoter moves aliases under conditions.
type Promoter interface {
	// Approve notes that somebody approves of a version.
	Approve(ctx context.Context, name string, number int, a Approval) error
	// Promote moves an alias as m says, or is errs.Conflict when somebody else
	// moved it in between.
	Promote(ctx context.Context, m Move) error
}

// Move is an alias going from one version to another.
type Move struct {
	Model string
	Alias string
	From  int // the version that has it now; 0: none
	To    int
	Data  map[string]any // for the history
}

// Service is the whole registry.
type Service interface {
	Reader
	Registrar
	Curator
	Promoter
}
