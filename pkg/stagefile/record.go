package stagefile

import "github.com/mlops-cli/mlops/pkg/oid"

// Kind says what stands at a path.
type Kind string

// The kinds of assets, as the lock spells them.
const (
	KindFile    Kind = "file"
	KindExec    Kind = "exec" // a file with the executable bit
	KindDir     Kind = "dir"
	KindSymlink Kind = "symlink"
)

// Asset is a file or directory that a stage read or wrote.
type Asset struct {
	Path    string // slash path relative to the root, or as written in the pipeline file
	Kind    Kind
	ID      oid.ID
	Size    int64 // bytes, of a directory all below it
	Files   int64 // 1, or of a directory all below it
	NoCache bool  // of an out: its bytes are not in the store
	NoPush  bool  // of an out: it is not pushed
}

// Record is what a stage read and wrote when it last ran. Several keys of the
// same kind may stand in it only when Doubled.
type Record struct {
	Stage       string // its name within the pipeline file
	Fingerprint string // hex; see docs/format/lock.md
	Cmd         []string
	Deps        []Asset
	Params      map[string]map[string]any // file → key path → value
	Env         map[string]string
	Outs        []Asset
	// List is what a map stage was expanded over: a list or a mapping as
	// paramfile decodes it. It is nil in the records of other stages.
	List any

	// Doubled means that the lines of the stage do not belong together: a git
	// merge kept those of both sides, or somebody edited them. Outs then holds
	// the outs of both sides. The stage is out of date.
	Doubled bool
}
