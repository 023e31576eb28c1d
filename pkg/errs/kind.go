package errs

// Kind classifies an error. The zero kind is Internal.
type Kind uint8

// The kinds, in the order of their exit codes.
const (
	Internal       Kind = iota // anything that no other kind names
	Partial                    // some items failed, each is listed
	Differs                    // asked for with --exit-code: dirty, stale or different
	NotARepository             // no .mlops directory here or above
	Locked                     // another process holds a lock
	NotFound                   // a named thing does not exist
	Remote                     // a remote cannot be reached or refuses
	Corrupt                    // stored bytes are not what their name says
	Conflict                   // the work would overwrite something
	StageFailed                // a command of a stage failed
	Usage                      // the command line or a file of the user is wrong
	Canceled                   // interrupted
)

// Kinds returns every kind in order.
func Kinds() []Kind {
	kinds := make([]Kind, 0, Canceled+1)
	for k := Internal; k <= Canceled; k++ {
		kinds = append(kinds, k)
	}
	return kinds
}

// row is one line of the table that docs/exit-codes.md repeats.
type row struct {
	exit    int
	http    int
	code    string
	meaning string
}

func (k Kind) row() row {
	switch k {
	case Internal:
		return row{1, 500, "internal", "anything unclassified"}
	case Partial:
		return row{3, 200, "partial", "some items failed, each is listed"}
	case Differs:
		return row{4, 200, "differs", "there are differences (only with --exit-code)"}
	case NotARepository:
		return row{10, 404, "not_a_repository", "no .mlops directory here or above"}
	case Locked:
		return row{11, 409, "locked", "another process holds a lock"}
	case NotFound:
		return row{12, 404, "not_found", "a named thing does not exist"}
	case Remote:
		return row{13, 502, "remote", "a remote cannot be reached or refuses"}
	case Corrupt:
		return row{14, 500, "corrupt", "stored bytes are not what their name says"}
	case Conflict:
		return row{15, 409, "conflict", "something would be overwritten"}
	case StageFailed:
		return row{20, 422, "stage_failed", "a command of a stage failed"}
	case Usage:
		return row{64, 400, "usage", "the command line or a file is wrong"}
	case Canceled:
		return row{130, 499, "canceled", "interrupted"}
	default:
		return Internal.row()
	}
}

// ExitCode is the status that the process ends with.
func (k Kind) ExitCode() int { return k.row().exit }

// HTTPStatus is the status that a server answers with.
func (k Kind) HTTPStatus() int { return k.row().http }

// String is the machine-readable name, as in JSON: not_found, conflict.
func (k Kind) String() string { return k.row().code }

// Meaning says in a few words what the kind stands for.
func (k Kind) Meaning() string { return k.row().meaning }
