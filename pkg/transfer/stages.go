package transfer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/fsx"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/stagefile"
	"github.com/mlops-cli/mlops/pkg/store"
	"github.com/mlops-cli/mlops/pkg/tree"
)

// RootStages is the kind of roots that are bundles of the stage cache.
const RootStages = "stages"

// StageCache is what a Transfer needs of the stage cache: what each fingerprint
// of a stage made.
type StageCache interface {
	// Fingerprints lists the entries.
	Fingerprints(ctx context.Context) ([]string, error)
	// Entries returns those of some fingerprints.
	Entries(ctx context.Context, fingerprints []string) ([]StageEntry, error)
	// Learn takes entries in, and says how many were not known.
	Learn(ctx context.Context, entries []StageEntry) (added int, err error)
}

// StageEntry is an entry of the stage cache. Record is a lock with one record.
type StageEntry struct {
	Fingerprint string `json:"fingerprint"`
	Record      string `json:"record"`
}

// bundleHead is the first line of a bundle. docs/format/stages.md has the rest.
const bundleHead = `{"mlops_stages":1}`

// encodeBundle writes entries in their canonical form.
func encodeBundle(entries []StageEntry) ([]byte, error) {
	slices.SortFunc(entries, func(a, b StageEntry) int { return strings.Compare(a.Fingerprint, b.Fingerprint) })
	var b bytes.Buffer
	b.WriteString(bundleHead + "\n")
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	for _, e := range entries {
		if err := enc.Encode(e); err != nil {
			return nil, err
		}
	}
	return b.Bytes(), nil
}

// decodeBundle is the inverse of encodeBundle. Every record is read: what comes
// from a remote is not believed.
func decodeBundle(data []byte) ([]StageEntry, error) {
	head, rest, _ := bytes.Cut(data, []byte("\n"))
	if string(head) != bundleHead {
		return nil, errs.New(errs.Corrupt, "a bundle of the stage cache begins with %.40q", head).Hint("it may be of a newer mlops")
	}
	var entries []StageEntry
	for line := range bytes.Lines(rest) {
		var e StageEntry
		if err := json.Unmarshal(line, &e); err != nil {
			return nil, errs.New(errs.Corrupt, "read a bundle of the stage cache: %w", err)
		}
		if _, err := e.record(); err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	return entries, nil
}

// record reads the entry's record.
func (e StageEntry) record() (stagefile.Record, error) {
	lock, err := stagefile.ParseLock("stage cache", []byte(e.Record))
	if err != nil {
		return stagefile.Record{}, err
	}
	records := lock.Records()
	if len(records) != 1 || records[0].Doubled || records[0].Fingerprint != e.Fingerprint {
		return stagefile.Record{}, errs.New(errs.Corrupt, "the entry %.8s of the stage cache has another record", e.Fingerprint)
	}
	return records[0], nil
}

// newStages returns the entries of the stage cache that the remote is not known
// to have.
func (t *Transfer) newStages(ctx context.Context, h *History, cache StageCache) ([]StageEntry, error) {
	if cache == nil {
		return nil, nil
	}
	all, err := cache.Fingerprints(ctx)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	known, err := h.knownStages()
	if err != nil {
		return nil, err
	}
	fresh := slices.DeleteFunc(all, func(f string) bool { return known[f] })
	if len(fresh) == 0 {
		return nil, nil
	}
	return cache.Entries(ctx, fresh)
}

// planStages plans a bundle of the entries whose outputs are all here or there,
// and the outputs. Those that are not to be pushed stay.
func (t *Transfer) planStages(ctx context.Context, st *store.Store, p *planner, entries []StageEntry, dry bool) (sent []StageEntry, root []Root, err error) {
next:
	for _, e := range entries {
		r, err := e.record()
		if err != nil {
			return nil, nil, err
		}
		m := p.mark()
		for _, o := range r.Outs {
			if o.NoPush {
				p.undo(m)
				continue next
			}
			if err := p.add(ctx, repo.FromAsset(o)); err != nil {
				return nil, nil, err
			}
		}
		if len(p.missing) > 0 {
			p.undo(m)
			continue
		}
		sent = append(sent, e)
	}
	if dry || len(sent) == 0 {
		return sent, nil, nil
	}
	bundle, err := encodeBundle(sent)
	if err != nil {
		return nil, nil, err
	}
	if err := batch(ctx, st, func(b *store.Batch) error {
		_, err := b.PutBytes(bundle)
		return err
	}); err != nil {
		return nil, nil, err
	}
	id := oid.Sum(bundle)
	if err := p.add(ctx, repo.Object{Kind: tree.File, ID: id}); err != nil {
		return nil, nil, err
	}
	return sent, []Root{{Kind: RootStages, ID: id, Files: int64(len(sent)), Bytes: int64(len(bundle))}}, nil
}

// stages takes in the bundles of the remote that were not taken in before.
func (f *fetcher) stages(ctx context.Context, cache StageCache, dry bool, s *Summary) error {
	if err := f.history(ctx); err != nil {
		if errs.Is(err, errs.NotFound) {
			return nil // nothing was pushed
		}
		return err
	}
	if f.h.Learned > len(f.h.Roots) {
		f.h.Learned = 0
	}
	var fresh []oid.ID
	for _, r := range f.h.Roots[f.h.Learned:] {
		if r.Kind == RootStages {
			fresh = append(fresh, r.ID)
			s.Stages += int(r.Files)
		}
	}
	if dry {
		return nil
	}
	s.Stages = 0
	if len(fresh) > 0 {
		bundles, err := f.records(ctx, fresh, "stage results")
		if err != nil {
			return err
		}
		for _, data := range bundles {
			entries, err := decodeBundle(data)
			if err != nil {
				return err
			}
			added, err := cache.Learn(ctx, entries)
			if err != nil {
				return err
			}
			s.Stages += added
			if err := f.h.noteStages(entries); err != nil {
				return err
			}
		}
	}
	if f.h.Learned == len(f.h.Roots) {
		return nil
	}
	f.h.Learned = len(f.h.Roots)
	return f.h.save()
}

// stagesFile lists the fingerprints that the remote is known to have, a line
// each. It may be lost: then they are sent again.
func (h *History) stagesFile() string { return filepath.Join(h.dir, "stages") }

func (h *History) knownStages() (map[string]bool, error) {
	known := map[string]bool{}
	if h.Head == 0 {
		return known, nil
	}
	text, err := os.ReadFile(h.stagesFile())
	if errors.Is(err, fs.ErrNotExist) {
		return known, nil
	}
	for line := range strings.Lines(string(text)) {
		known[strings.TrimSuffix(line, "\n")] = true
	}
	return known, err
}

func (h *History) noteStages(entries []StageEntry) error {
	if len(entries) == 0 {
		return nil
	}
	known, err := h.knownStages()
	if err != nil {
		return err
	}
	for _, e := range entries {
		known[e.Fingerprint] = true
	}
	var b strings.Builder
	for f := range known {
		b.WriteString(f + "\n")
	}
	return fsx.WriteFile(h.stagesFile(), []byte(b.String()), 0o666)
}

// forgetStages is for a remote that was put back to an older state.
func (h *History) forgetStages() error {
	if err := os.Remove(h.stagesFile()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
