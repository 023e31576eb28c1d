package registry

import (
	"fmt"

	"github.com/mlops-cli/mlops/pkg/errs"
)

// MissingError says that a model, a version or an alias does not exist. It is
// wrapped in an errs.Error of kind NotFound.
type MissingError struct {
	Model   string
	Version int    // 0: the model itself, or Alias
	Alias   string // "": the model itself, or Version
}

// Error implements error.
func (e *MissingError) Error() string {
	switch {
	case e.Alias != "":
		return fmt.Sprintf("model %s has no alias %q", e.Model, e.Alias)
	case e.Version != 0:
		return fmt.Sprintf("model %s has no version %d", e.Model, e.Version)
	}
	return fmt.Sprintf("model %s does not exist", e.Model)
}

// ExistsError says that a model, or a version of it, exists already, or that
// version did and was deleted. It is wrapped in an errs.Error of kind Conflict.
type ExistsError struct {
	Model   string
	Version string // its id; "": the model itself
}

// Error implements error.
func (e *ExistsError) Error() string {
	if e.Version != "" {
		return fmt.Sprintf("model %s has had the version with id %s already", e.Model, e.Version)
	}
	return fmt.Sprintf("model %s exists already", e.Model)
}

// Rule is what a value may break.
type Rule string

// The rules.
const (
	EmptyName     Rule = "name is empty"
	NameChars     Rule = "name holds '/' or ':'"
	NameLength    Rule = "name is too long"
	EmptyAlias    Rule = "alias is empty"
	AliasChars    Rule = "alias holds other characters than letters, digits, '_' and '-'"
	AliasLength   Rule = "alias is too long"
	AliasLatest   Rule = "alias latest is reserved for the highest version"
	AliasVersion  Rule = "alias looks like a version number"
	EmptyKey      Rule = "tag has no key"
	KeyChars      Rule = "tag key holds a character that is not allowed"
	KeyLength     Rule = "tag key is too long"
	ValueLength   Rule = "tag value is too long"
	UnknownStage  Rule = "stage is none of None, Staging, Production, Archived"
	ArchiveStage  Rule = "only Staging and Production archive what was there"
	VersionNumber Rule = "version is not a positive number"
	OrderKey      Rule = "order names an unknown key"
	FilterKey     Rule = "filter names an unknown key"
)

// InvalidError says that a value may not be stored. It is wrapped in an
// errs.Error of kind Usage.
type InvalidError struct {
	Rule  Rule
	Value string
	Max   int // characters, where the rule is a length
}

// Error implements error.
func (e *InvalidError) Error() string {
	if e.Max > 0 {
		return fmt.Sprintf("%s: more than %d characters", e.Rule, e.Max)
	}
	return fmt.Sprintf("%s: %q", e.Rule, e.Value)
}

// Missing returns a *MissingError with its kind.
func Missing(e MissingError) *errs.Error { return errs.New(errs.NotFound, "%w", &e) }

// Exists returns an *ExistsError with its kind.
func Exists(model string) *errs.Error {
	return errs.New(errs.Conflict, "%w", &ExistsError{Model: model})
}

// Invalid returns an *InvalidError with its kind.
func Invalid(rule Rule, value string, limit int) *errs.Error {
	return errs.New(errs.Usage, "%w", &InvalidError{Rule: rule, Value: value, Max: limit})
}
