package track

import "context"

// Owner is what an artifact belongs to: a run, a logged model, or nothing but
// its path.
type Owner struct {
	Model  bool // a logged model, not a run
	Shared bool // neither; there is no ID
	ID     string
}

// Artifacts names the files of runs and logged models, and those that belong to
// neither. Those of a run are its assets with role Artifact. Paths are clean slash paths relative to the owner's
// root, "" for the root itself.
type Artifacts interface {
	// PutArtifacts names objects, all or none; an object at the same path is
	// replaced. Role is set by the service. A path at which there is a
	// directory, or below which there is a file, is errs.Conflict; a deleted
	// owner is a DeletedError, a run that is over and no script an EndedError.
	PutArtifacts(ctx context.Context, o Owner, files []Asset) error
	// Artifact returns the asset at a path, or the asset of kind dir (a tree in
	// the store) that the path lies in. MissingError when there is neither.
	Artifact(ctx context.Context, o Owner, path string) (Asset, error)
	// ListArtifacts lists what is directly in a directory, by name. A directory
	// that only follows from the paths of files has kind dir and no id; Size and
	// Files are then sums. A path that is none, or is a file, has an empty list.
	// What is inside of an asset of kind dir is not known here.
	ListArtifacts(ctx context.Context, o Owner, dir string) ([]Asset, error)
	// DeleteArtifacts removes the file at a path, or all below it, and says how
	// many assets that were.
	DeleteArtifacts(ctx context.Context, o Owner, path string) (int, error)
}
