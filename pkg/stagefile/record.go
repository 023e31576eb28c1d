package stagefile

import (
	"fmt"

	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/paramfile"
)

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
	Unknown bool  // of a dependency: the ID stands for what another tool calls it; not in the lock
	// Alias of a dependency that another tool tracks is the ID that stands for
	// what that tool calls it, or calls the directory that it is in.
	Alias oid.ID
}

// URLAsset is what is at a URL that a stage depends on, named by what the server
// says of its version: the name and value of the header, or what stands for it.
func URLAsset(url string, size int64, version string) Asset {
	id := oid.Sum(fmt.Appendf(nil, "url %s\nsize %d\n%s\n", url, size, version))
	return Asset{Path: url, Kind: KindFile, ID: id, Size: max(size, 0), Files: 1}
}

// DatasetScheme begins the dependencies that name an entry of datasets.
const DatasetScheme = "ds://"

// DatasetAsset is a dataset that a stage depends on, named by what its entry in
// dvc.lock says, or where there is none the one in the pipeline file.
func DatasetAsset(name string, entry any) Asset {
	text := paramfile.Encode(entry)
	return Asset{Path: DatasetScheme + name, Kind: KindFile, ID: oid.Sum([]byte(text)), Size: int64(len(text)), Files: 1}
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
