package registry

// ExperimentTag is the tag on an experiment that names the model it is for.
const ExperimentTag = "mlops.model"

// The kinds of events about models. Their subject is the name of the model;
// their data is a JSON object with what applies of version, alias, key, value,
// name, stage, from and by.
const (
	ModelCreated    = "model.created"
	ModelRenamed    = "model.renamed"
	ModelUpdated    = "model.updated" // its description
	ModelDeleted    = "model.deleted"
	ModelTagged     = "model.tagged"
	ModelUntagged   = "model.untagged"
	VersionCreated  = "model.version_created"
	VersionUpdated  = "model.version_updated" // its description
	VersionDeleted  = "model.version_deleted"
	VersionTagged   = "model.version_tagged"
	VersionUntagged = "model.version_untagged"
	VersionStaged   = "model.version_staged"
	VersionApproved = "model.version_approved"
	VersionNumbered = "model.version_renumbered"
	VersionImported = "model.version_imported"
	AliasSet        = "model.aliased"
	AliasDeleted    = "model.unaliased"
	AliasPromoted   = "model.promoted" // an alias moved, and its gates held
)

// EventKinds returns the kinds of events about models.
func EventKinds() []string {
	return []string{
		ModelCreated, ModelRenamed, ModelUpdated, ModelDeleted, ModelTagged, ModelUntagged,
		VersionCreated, VersionUpdated, VersionDeleted, VersionTagged, VersionUntagged, VersionStaged, VersionApproved,
		VersionNumbered, VersionImported, AliasSet, AliasDeleted, AliasPromoted,
	}
}
