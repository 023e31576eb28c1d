package transfer

import (
	"encoding/json"
	"time"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/oid"
)

// typeAdd is the type of entries that add packs and roots. The types "condemn"
// and "sweep" are reserved for the garbage collection of remotes.
const typeAdd = "add"

// Entry is one entry of a remote's log.
type Entry struct {
	Type  string    `json:"type"`
	Seq   uint64    `json:"seq"`
	Time  time.Time `json:"time"`
	By    string    `json:"by,omitempty"`
	Nonce string    `json:"nonce"`           // tells two equal pushes apart
	Needs []string  `json:"needs,omitempty"` // features that a reader must know
	Packs []Pack    `json:"packs"`
	Parts []Part    `json:"idx"`
	Roots []Root    `json:"roots"`
}

// Pack is a pack that an entry adds. Size is in bytes.
type Pack struct {
	ID    oid.ID `json:"id"`
	Kind  string `json:"kind"`
	Size  int64  `json:"size"`
	Count int    `json:"count"`
}

// Part names the trailers of some packs, together under one key. Its id is the
// SHA-256 of the bytes there; Size counts those.
type Part struct {
	ID    oid.ID `json:"id"`
	Size  int64  `json:"size"`
	Packs int    `json:"packs"`
}

// The kinds of roots.
const (
	RootTree = "tree"
	RootBlob = "blob"
	RootRun  = "run"
)

// Root is an object that is wholly present, with all it names. Name is a path
// in the repository, the id of a run or the name of a model, as it was when
// pushed.
type Root struct {
	Kind  string `json:"kind"`
	ID    oid.ID `json:"id"`
	Name  string `json:"name,omitempty"`
	Files int64  `json:"files,omitempty"`
	Bytes int64  `json:"bytes,omitempty"`

	Version string `json:"version,omitempty"` // id of a version of a model; Name is then name/number
}

func parseEntry(data []byte, seq uint64) (Entry, error) {
	var e Entry
	if err := json.Unmarshal(data, &e); err != nil {
		return e, errs.New(errs.Corrupt, "read log entry %d of the remote: %w", seq, err)
	}
	if err := checkFeatures("read", e.Needs); err != nil {
		return e, err
	}
	switch {
	case e.Type != typeAdd:
		return e, errs.New(errs.Remote, "log entry %d of the remote is of the type %q, which this mlops does not know", seq, e.Type).
			Hint("use a newer mlops")
	case e.Seq != seq:
		return e, errs.New(errs.Corrupt, "log entry %d of the remote says that it is number %d", seq, e.Seq)
	}
	for _, p := range e.Packs {
		if p.ID.IsZero() || p.Size < 0 || p.Count < 0 {
			return e, errs.New(errs.Corrupt, "log entry %d of the remote names an impossible pack %s", seq, p.ID)
		}
	}
	for _, p := range e.Parts {
		if p.ID.IsZero() || p.Size < 0 {
			return e, errs.New(errs.Corrupt, "log entry %d of the remote names an impossible index part %s", seq, p.ID)
		}
	}
	return e, nil
}
