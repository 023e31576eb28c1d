package mlflow

import (
	"errors"
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/registry"
	"github.com/mlops-cli/mlops/pkg/track"
)

// words finds MLflow's words for what the stores say, nil where it has none.
func words(err error) *Error {
	if e, ok := errors.AsType[*track.FilterError](err); ok {
		return &Error{Code: InvalidParameter, Message: e.MLflow}
	}
	if e, ok := errors.AsType[*track.MissingError](err); ok {
		return missingWords(e)
	}
	if e, ok := errors.AsType[*track.ExistsError](err); ok {
		if e.What == track.OfExperiment {
			return Errorf(AlreadyExists, "Experiment(name=%s) already exists.", e.Name)
		}
		return &Error{Code: AlreadyExists, Message: e.Error()}
	}
	if e, ok := errors.AsType[*track.DeletedError](err); ok {
		return Errorf(InvalidParameter, "The %s %s must be in the 'active' state. Current state is deleted.", e.What, e.ID)
	}
	if e, ok := errors.AsType[*track.EndedError](err); ok {
		return &Error{Code: InvalidParameter, Message: e.Error()}
	}
	if e, ok := errors.AsType[*track.ParamError](err); ok {
		return Errorf(InvalidParameter, "Changing param values is not allowed. Param with key='%s' was already logged with value='%s' for %s ID='%s'. "+
			"Attempted logging new value '%s'.", e.Key, e.Old, e.What, e.ID, e.New)
	}
	if e, ok := errors.AsType[*registry.MissingError](err); ok {
		return missingModel(e)
	}
	if e, ok := errors.AsType[*registry.ExistsError](err); ok {
		return Errorf(AlreadyExists, "Registered Model (name=%s) already exists.", e.Model)
	}
	if e, ok := errors.AsType[*registry.InvalidError](err); ok {
		return invalidWords(e)
	}
	if errs.Is(err, errs.Usage) || errs.Is(err, errs.Conflict) {
		return &Error{Code: InvalidParameter, Message: strings.Join(append([]string{err.Error()}, errs.Hints(err)...), "; ")}
	}
	return nil
}

func missingWords(e *track.MissingError) *Error {
	switch {
	case e.What == track.OfRun && e.Tag != "":
		return Errorf(DoesNotExist, "No tag with name: %s in run with id %s", e.Tag, e.ID)
	case e.What == track.OfRun:
		return Errorf(DoesNotExist, "Run with id=%s not found", e.ID)
	case e.What == track.OfExperiment && e.Tag != "":
		return Errorf(DoesNotExist, "No tag with name: %s in experiment with id %s", e.Tag, e.ID)
	case e.What == track.OfExperiment:
		return Errorf(DoesNotExist, "No Experiment with id=%s exists", e.ID)
	case e.What == track.OfLoggedModel && e.Tag != "":
		return Errorf(DoesNotExist, "No tag with key '%s' found for model with ID '%s'.", e.Tag, e.ID)
	case e.What == track.OfLoggedModel:
		return Errorf(DoesNotExist, "Logged model with ID '%s' not found.", e.ID)
	}
	return Errorf(DoesNotExist, "No such artifact: '%s'", e.ID)
}

func missingModel(e *registry.MissingError) *Error {
	switch {
	case e.Alias != "":
		return Errorf(InvalidParameter, "Registered model alias %s not found.", e.Alias)
	case e.Version != 0:
		return Errorf(DoesNotExist, "Model Version (name=%s, version=%d) not found", e.Model, e.Version)
	}
	return Errorf(DoesNotExist, "Registered Model with name=%s not found", e.Model)
}

func invalidWords(e *registry.InvalidError) *Error {
	switch e.Rule {
	case registry.NameChars:
		return Errorf(InvalidParameter, "Invalid model name '%s'. Names cannot contain '/' or ':'.", e.Value)
	case registry.UnknownStage:
		return Errorf(InvalidParameter, "Invalid Model Version stage: %s. Value must be one of None, Staging, Production, Archived.", e.Value)
	case registry.ArchiveStage:
		return Errorf(InvalidParameter, "Model version transition cannot archive existing model versions because '%s' is not an Active stage. "+
			"Valid stages are ['Staging', 'Production']", e.Value)
	case registry.VersionNumber:
		return Errorf(InvalidParameter, "Parameter 'version' must be an integer, got '%s'.", e.Value)
	case registry.AliasLatest:
		return Errorf(InvalidParameter, "'latest' alias name (case insensitive) is reserved.")
	case registry.AliasVersion:
		return Errorf(InvalidParameter, "Version alias name '%s' is reserved.", e.Value)
	case registry.AliasChars:
		return Errorf(InvalidParameter, "Invalid alias name: '%s'. Names may only contain alphanumerics, underscores (_), and dashes (-).", e.Value)
	case registry.AliasLength:
		return Errorf(InvalidParameter, "'Registered model alias name' exceeds the maximum length of %d characters", e.Max)
	default:
		return &Error{Code: InvalidParameter, Message: e.Error()}
	}
}
