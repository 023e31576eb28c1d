package transfer

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/remote"
)

const (
	manifestKey = "mlops.json"
	logPrefix   = "log/"
	// formatVersion is what mlops.json says and this program reads.
	formatVersion = 1
	// Nothing of the log is longer: an entry of a million roots has 200 MB.
	maxEntry = 1 << 30
)

func packKey(id oid.ID) string { return "packs/" + id.String()[:2] + "/" + id.String() }
func partKey(id oid.ID) string { return "idx/" + id.String() }

// logKey inverts the number, so that the newest entry is listed first.
func logKey(seq uint64) string { return fmt.Sprintf("%s%020d", logPrefix, math.MaxUint64-seq) }

func parseLogKey(key string) (uint64, error) {
	var n uint64
	digits := strings.TrimPrefix(key, logPrefix)
	if _, err := fmt.Sscanf(digits, "%d", &n); err != nil || len(digits) != 20 || logKey(math.MaxUint64-n) != key {
		return 0, errs.New(errs.Corrupt, "remote has %q where log entries are", key)
	}
	return math.MaxUint64 - n, nil
}

// manifest is mlops.json: what the remote is and what one must know to use it.
type manifest struct {
	Format   int       `json:"mlops_remote"`
	ID       string    `json:"id"` // 32 hex digits, new for each remote
	Created  time.Time `json:"created"`
	Features features  `json:"features"`
}

// features lists what a program must know to read, to write and to collect
// garbage; one that does not know them all must not do it.
type features struct {
	Read  []string `json:"read"`
	Write []string `json:"write"`
	GC    []string `json:"gc"`
}

// knownFeatures are those that this program implements. Version 1 has none.
func knownFeatures() []string { return nil }

func checkFeatures(what string, needed []string) error {
	for _, f := range needed {
		if !slices.Contains(knownFeatures(), f) {
			return errs.New(errs.Remote, "%s the remote: it needs %q, which this mlops does not know", what, f).
				Hint("use a newer mlops")
		}
	}
	return nil
}

// readManifest reads mlops.json. It is errs.NotFound in an empty bucket.
func readManifest(ctx context.Context, b remote.Bucket) (manifest, error) {
	var m manifest
	data, err := remote.ReadAll(ctx, b, manifestKey, 1<<20)
	if err != nil {
		return m, err
	}
	if err := json.Unmarshal(data, &m); err != nil {
		return m, errs.New(errs.Corrupt, "read mlops.json of the remote: %w", err)
	}
	if m.Format != formatVersion {
		return m, errs.New(errs.Remote, "the remote has format %d, this mlops knows %d", m.Format, formatVersion).
			Hint("use the mlops that wrote it")
	}
	if raw, err := hex.DecodeString(m.ID); err != nil || len(raw) != 16 {
		return m, errs.New(errs.Corrupt, "mlops.json of the remote has the id %q", m.ID)
	}
	return m, checkFeatures("read", m.Features.Read)
}

// makeManifest begins a remote, or returns what another began at the same time.
func makeManifest(ctx context.Context, b remote.Bucket, now time.Time) (manifest, error) {
	var id [16]byte
	if _, err := rand.Read(id[:]); err != nil {
		return manifest{}, err
	}
	m := manifest{Format: formatVersion, ID: hex.EncodeToString(id[:]), Created: now.UTC(), Features: features{[]string{}, []string{}, []string{}}}
	data, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return m, err
	}
	data = append(data, '\n')
	err = b.Put(ctx, manifestKey, int64(len(data)), remote.Bytes(data), remote.PutOptions{IfAbsent: true})
	if errs.Is(err, errs.Conflict) {
		return readManifest(ctx, b)
	}
	return m, err
}
