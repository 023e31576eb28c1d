package track

import "fmt"

// Subject is the kind of thing that an error is about.
type Subject string

// The things that errors are about.
const (
	OfRun         Subject = "run"
	OfExperiment  Subject = "experiment"
	OfLoggedModel Subject = "logged model"
	OfArtifact    Subject = "artifact"
)

// MissingError says that a thing does not exist, or (Tag) that it has no such
// tag.
type MissingError struct {
	What Subject
	ID   string // or its name, where it was looked up by name
	Tag  string
}

// Error says what is missing.
func (e *MissingError) Error() string {
	if e.Tag != "" {
		return fmt.Sprintf("%s %s has no tag %q", e.What, e.ID, e.Tag)
	}
	return fmt.Sprintf("%s %s does not exist", e.What, e.ID)
}

// ExistsError says that a name or an id is taken.
type ExistsError struct {
	What    Subject
	Name    string
	Deleted bool // by one in the bin
}

// Error says what is taken.
func (e *ExistsError) Error() string {
	if e.Deleted {
		return fmt.Sprintf("%s %s exists already, deleted", e.What, e.Name)
	}
	return fmt.Sprintf("%s %s exists already", e.What, e.Name)
}

// DeletedError says that a thing is in the bin and does not change there.
type DeletedError struct {
	What Subject
	ID   string
}

// Error says what is deleted.
func (e *DeletedError) Error() string { return fmt.Sprintf("%s %s is deleted", e.What, e.ID) }

// EndedError says that a run is over and, being no script, stays as it is.
type EndedError struct {
	ID     string
	Status Status
}

// Error says how the run ended.
func (e *EndedError) Error() string {
	return fmt.Sprintf("run %s is %s and no longer changes", e.ID, e.Status)
}

// ParamError says that a param has another value already.
type ParamError struct {
	What     Subject // run or logged model
	ID       string
	Key      string
	Old, New string
}

// Error names both values.
func (e *ParamError) Error() string {
	return fmt.Sprintf("param %q of %s %s is %q already and cannot become %q", e.Key, e.What, e.ID, e.Old, e.New)
}
