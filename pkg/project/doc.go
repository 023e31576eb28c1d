// Package project keeps projects: names with a description that registered models
// are grouped by.
//
// Which models belong to a project, and which experiments to a model, are tags of
// those: ProjectTag on a model, which travels with it, and ModelTag on an
// experiment, which stays where it is. So they are found by the same filters.
package project

import "github.com/mlops-cli/mlops/pkg/registry"

// The tags that say what belongs to what.
const (
	ProjectTag = "mlops.project"        // on a registered model: the name of its project
	ModelTag   = registry.ExperimentTag // on an experiment: the name of the model it is for
)
