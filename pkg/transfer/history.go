package transfer

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/mlops-cli/mlops/pkg/clock"
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/fsx"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/remote"
)

// seen is what was read of a remote's log, as the cache keeps it.
type seen struct {
	Format   int    `json:"format"`
	Remote   string `json:"remote"`
	Head     uint64 `json:"head"` // number of the last entry; 0 is none
	HeadSum  oid.ID `json:"head_sum"`
	Packs    []Pack `json:"packs"`
	Parts    []Part `json:"parts"`
	Merged   int    `json:"merged"` // so many of Parts are in the merged index
	Roots    []Root `json:"roots"`
	Imported int    `json:"imported"` // the runs among so many of Roots were taken in
	Learned  int    `json:"learned"`  // and the bundles of the stage cache among so many
	Taken    int    `json:"taken"`    // and the models among so many
}

// History is the log of a remote as last seen.
type History struct {
	seen
	dir  string // of the cache of this remote
	b    remote.Bucket
	have map[oid.ID]bool // ids of the roots
}

const seenFormat = 1

// openHistory reads the log of b up to its head; cache is the directory of what
// was seen of all remotes. A bucket without a remote is errs.NotFound.
func openHistory(ctx context.Context, b remote.Bucket, cache string) (*History, error) {
	m, err := readManifest(ctx, b)
	if err != nil {
		return nil, err
	}
	return historyOf(ctx, b, cache, m)
}

// makeHistory is openHistory for writers: it begins a remote in an empty bucket.
func makeHistory(ctx context.Context, b remote.Bucket, cache string, c clock.Clock) (*History, error) {
	m, err := readManifest(ctx, b)
	if errs.Is(err, errs.NotFound) {
		m, err = makeManifest(ctx, b, c.Now())
	}
	if err != nil {
		return nil, err
	}
	if err := checkFeatures("write to", m.Features.Write); err != nil {
		return nil, err
	}
	return historyOf(ctx, b, cache, m)
}

func historyOf(ctx context.Context, b remote.Bucket, cache string, m manifest) (*History, error) {
	h := &History{b: b, dir: filepath.Join(cache, m.ID)}
	if err := os.MkdirAll(h.dir, 0o777); err != nil {
		return nil, err
	}
	h.reset(m.ID)
	data, err := os.ReadFile(filepath.Join(h.dir, "seen.json"))
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, err
	default:
		var s seen
		if json.Unmarshal(data, &s) == nil && s.Format == seenFormat && s.Remote == m.ID {
			h.seen = s
			for _, r := range s.Roots {
				h.have[r.ID] = true
			}
		}
	}
	return h, h.sync(ctx)
}

func (h *History) reset(id string) {
	h.seen = seen{Format: seenFormat, Remote: id}
	h.have = map[oid.ID]bool{}
}

// Has reports whether id is a root in the log.
func (h *History) Has(id oid.ID) bool { return h.have[id] }

// sync reads the entries that are newer than the head.
func (h *History) sync(ctx context.Context) error {
	fresh, known, err := h.list(ctx)
	if err != nil {
		return err
	}
	if known {
		// The bucket may have been put back to an older state and pushed to again.
		data, err := remote.ReadAll(ctx, h.b, logKey(h.Head), maxEntry)
		if err != nil && !errs.Is(err, errs.NotFound) {
			return err
		}
		known = err == nil && oid.Sum(data) == h.HeadSum
	}
	if !known && h.Head > 0 {
		h.reset(h.Remote)
		if err := h.forgetStages(); err != nil {
			return err
		}
		if fresh, _, err = h.list(ctx); err != nil {
			return err
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	slices.Sort(fresh)
	if fresh[0] != h.Head+1 || fresh[len(fresh)-1] != h.Head+uint64(len(fresh)) {
		return errs.New(errs.Corrupt, "the log of the remote has gaps between entry %d and %d", h.Head, fresh[len(fresh)-1]).
			Hint("restore the objects under log/ from a backup or the bucket's older versions")
	}
	entries := make([]Entry, len(fresh))
	sums := make([]oid.ID, len(fresh))
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(64)
	for i, seq := range fresh {
		group.Go(func() error {
			data, err := remote.ReadAll(gctx, h.b, logKey(seq), maxEntry)
			if err != nil {
				return err
			}
			sums[i] = oid.Sum(data)
			entries[i], err = parseEntry(data, seq)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for i, e := range entries {
		h.apply(e, sums[i])
	}
	return h.save()
}

// list returns the numbers of the entries above the head, and whether the
// head's entry is still there.
func (h *History) list(ctx context.Context) (fresh []uint64, known bool, err error) {
	for token := ""; ; {
		page, next, err := h.b.List(ctx, logPrefix, token)
		if err != nil {
			return nil, false, err
		}
		for _, o := range page {
			seq, err := parseLogKey(o.Key)
			if err != nil {
				return nil, false, err
			}
			if seq <= h.Head {
				return fresh, seq == h.Head, nil
			}
			fresh = append(fresh, seq)
		}
		if next == "" {
			return fresh, h.Head == 0, nil
		}
		token = next
	}
}

func (h *History) apply(e Entry, sum oid.ID) {
	h.Head, h.HeadSum = e.Seq, sum
	h.Packs = append(h.Packs, e.Packs...)
	h.Parts = append(h.Parts, e.Parts...)
	for _, r := range e.Roots {
		if !h.have[r.ID] {
			h.have[r.ID] = true
			h.Roots = append(h.Roots, r)
		}
	}
}

// save keeps what was seen.
func (h *History) save() error {
	data, err := json.Marshal(h.seen)
	if err != nil {
		return err
	}
	return fsx.WriteFile(filepath.Join(h.dir, "seen.json"), data, 0o666)
}

// append puts the entry under the next free number. Where another writer was
// faster, its entry is read first, and versions whose numbers it took are left
// out. It fills in the entry's number.
func (h *History) append(ctx context.Context, e *Entry) (taken []string, err error) {
	for {
		e.Seq = h.Head + 1
		data, err := json.Marshal(e)
		if err != nil {
			return nil, err
		}
		data = append(data, '\n')
		err = h.b.Put(ctx, logKey(e.Seq), int64(len(data)), remote.Bytes(data), remote.PutOptions{IfAbsent: true})
		if err == nil {
			h.apply(*e, oid.Sum(data))
			return taken, h.save()
		}
		if !errs.Is(err, errs.Conflict) {
			return nil, err
		}
		before := h.Head
		if err := h.sync(ctx); err != nil {
			return nil, err
		}
		if h.Head < before+1 {
			return nil, errs.New(errs.Remote, "log entry %d of the remote exists but is not listed", before+1).
				Hint("the service does not list what was just written: type the same command again")
		}
		var late []string
		e.Roots, late = h.admit(e.Roots)
		taken = append(taken, late...)
	}
}
