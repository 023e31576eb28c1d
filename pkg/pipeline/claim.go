package pipeline

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/fsx"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/proc"
	"github.com/mlops-cli/mlops/pkg/stagefile"
)

// claims hands out the right to work on a stage, as leases in a directory that
// all copies of a workspace share. A stage at work has two: one of its place in
// its workspace, so that two runs do not write the same outputs at once, and
// one of its fingerprint, so that nothing is computed twice at once. The file
// of the first marks outputs as half-written until they are recorded.
type claims struct {
	dir  string
	root string // of the workspace
	host string
	run  claimText // what every lease says
	pool *fsx.LeasePool
}

// claimText is what a lease says of its holder.
type claimText struct {
	Run   string `json:"run"` // its name
	RunID string `json:"run_id"`
	Host  string `json:"host"`
	Root  string `json:"root"`
	Stage string `json:"stage,omitempty"` // of the lease of a stage
	// Process is the one that the stage's command runs in.
	Process *proc.ID `json:"process,omitempty"`
	Log     string   `json:"log,omitempty"`
	// Record, as a lock spells it, is there when the outputs are saved.
	Record string `json:"record,omitempty"`
	// Failed means that the stage came to its end, but not well.
	Failed bool `json:"failed,omitempty"`
}

// claim is the right to work on a stage.
type claim struct {
	pool   *fsx.LeasePool
	leases []*fsx.Lease // of the place, and of the fingerprint when it is known
	text   claimText
	shared bool       // the fingerprint is leased, too
	left   *claimText // what was left of a holder that died, or whose stage failed
}

// busy says why a stage cannot start now.
type busy struct {
	key string     // what it lacks
	by  *claimText // who has it; nil: stages of this run
}

// spareLeases is how many files are kept for the leases of the next run.
const spareLeases = 512

func newClaims(tmp, root string) *claims {
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	dir := filepath.Join(tmp, "claims")
	return &claims{dir: dir, root: root, host: host, pool: fsx.NewLeasePool(dir, spareLeases)}
}

// begin makes the claims those of a run.
func (c *claims) begin(id, name string) error {
	c.run = claimText{Run: name, RunID: id, Host: c.host, Root: c.root}
	if err := os.MkdirAll(c.dir, 0o777); err != nil {
		return fmt.Errorf("claim stages: %w", err)
	}
	return nil
}

// file is the path of a lease. The name may hold anything.
func (c *claims) file(kind, name string) string {
	id := oid.Sum([]byte(name))
	return filepath.Join(c.dir, kind+"-"+hex.EncodeToString(id[:12]))
}

// log is the path of the log of a stage.
func (c *claims) log(address string) string {
	return filepath.Join(filepath.Dir(c.dir), "stage-"+c.run.RunID+filepath.Base(c.place(address))[len("stage"):]+".log")
}

func (c *claims) place(address string) string { return c.file("stage", c.root+"\x00"+address) }

// take claims a stage; fingerprint is "" when nothing could use its outputs.
// The claim is nil when another has it.
func (c *claims) take(address, fingerprint string) (*claim, *busy, error) {
	cl := &claim{text: c.run, pool: c.pool}
	cl.text.Stage, cl.text.Log = address, c.log(address)
	files := []string{c.place(address)}
	if cl.shared = fingerprint != ""; cl.shared {
		files = append(files, filepath.Join(c.dir, "print-"+fingerprint[:24]))
	}
	for i, file := range files {
		lease, b, err := c.lease(file)
		if lease == nil {
			return nil, b, errors.Join(err, cl.release())
		}
		if i == 0 && lease.Left != nil {
			cl.left = parseClaim(lease.Left)
		}
		cl.leases = append(cl.leases, lease)
	}
	for _, l := range cl.leases {
		if err := cl.write(l); err != nil {
			return nil, nil, errors.Join(err, cl.release())
		}
	}
	return cl, nil, nil
}

// lease takes one lease. It is nil when another has it.
func (c *claims) lease(file string) (*fsx.Lease, *busy, error) {
	l, held, err := c.pool.TryLease(file)
	if l != nil || err != nil {
		return l, nil, err
	}
	b := &busy{key: file}
	if by := parseClaim(held); by.RunID != c.run.RunID {
		b.by = by
	}
	return nil, b, nil
}

// slot takes one of n slots of a name; the slots of a mutex are one.
func (c *claims) slot(kind, name string, n int) (*fsx.Lease, *busy, error) {
	var all *busy
	for i := range n {
		l, b, err := c.lease(c.file(kind, name+"\x00"+strconv.Itoa(i)))
		if err != nil {
			return nil, nil, err
		}
		if l != nil {
			text, err := json.Marshal(c.run)
			if err = errors.Join(err, l.Write(text)); err != nil {
				return nil, nil, errors.Join(err, c.pool.Release(l))
			}
			return l, nil, nil
		}
		if all == nil || b.by != nil {
			all = b
		}
	}
	all.key = kind + " " + name
	return nil, all, nil
}

// parseClaim reads what a lease says. What cannot be read was written by a
// process that died over it.
func parseClaim(text []byte) *claimText {
	var c claimText
	if json.Unmarshal(text, &c) != nil {
		return &claimText{}
	}
	return &c
}

func (cl *claim) write(l *fsx.Lease) error {
	text, err := json.Marshal(cl.text)
	if err != nil {
		return fmt.Errorf("claim stage %s: %w", cl.text.Stage, err)
	}
	return l.Write(text)
}

// started notes the process of the stage's command.
func (cl *claim) started(pid int) error {
	id := proc.Of(pid)
	cl.text.Process = &id
	return cl.write(cl.leases[0])
}

// saved notes the record of a stage whose outputs are saved.
func (cl *claim) saved(r stagefile.Record) error {
	lock := stagefile.NewLock()
	lock.Set(r)
	cl.text.Record, cl.text.Process = string(lock.Encode()), nil
	return cl.write(cl.leases[0])
}

// record is what saved noted, when it is whole.
func (t *claimText) record() (stagefile.Record, bool) {
	lock, err := stagefile.ParseLock("claim", []byte(t.Record))
	if err != nil {
		return stagefile.Record{}, false
	}
	for _, r := range lock.Records() {
		return r, !r.Doubled
	}
	return stagefile.Record{}, false
}

// release gives the stage to others.
func (cl *claim) release() error {
	var all []error
	for _, l := range cl.leases {
		all = append(all, cl.pool.Release(l))
	}
	cl.leases = nil
	return errors.Join(all...)
}

// fail gives the stage to others, and its outputs stay marked as half-written.
func (cl *claim) fail() error {
	if len(cl.leases) == 0 {
		return nil
	}
	cl.text.Failed, cl.text.Process = true, nil
	err := errors.Join(cl.write(cl.leases[0]), cl.leases[0].Abandon())
	cl.leases = cl.leases[1:]
	return errors.Join(err, cl.release())
}

// restore gives a stage back as it was found.
func (cl *claim) restore() error {
	if cl.left == nil {
		return cl.release()
	}
	text, err := json.Marshal(cl.left)
	err = errors.Join(err, cl.leases[0].Write(text), cl.leases[0].Abandon())
	cl.leases = cl.leases[1:]
	return errors.Join(err, cl.release())
}

// mark is what is known of a stage that somebody works on or did not finish.
type mark struct {
	held bool
	text *claimText
}

// marks lists the stages that are claimed, by the file of the lease.
func (c *claims) marks() (map[string]mark, error) {
	entries, err := os.ReadDir(c.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look for stages at work: %w", err)
	}
	found := map[string]mark{}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), "stage-") {
			continue
		}
		file := filepath.Join(c.dir, e.Name())
		held, text, err := fsx.LeaseHeld(file)
		if err != nil {
			return nil, err
		}
		if held || len(text) > 0 {
			found[file] = mark{held, parseClaim(text)}
		}
	}
	return found, nil
}

// end ends what is left of a stage whose run died: processes and log.
func (c *claims) end(left *claimText) error {
	if left == nil || left.Failed || left.Host != c.host {
		return nil
	}
	if left.Process != nil {
		if _, err := proc.EndGroup(*left.Process, "MLOPS_RUN_ID="+left.RunID); err != nil {
			return errs.New(errs.Conflict, "stage %s of run %s, which was killed, still runs: %w", left.Stage, left.Run, err).
				Hint("end it: kill -9 -%d", left.Process.PID)
		}
	}
	if left.Log != "" && filepath.Dir(left.Log) == filepath.Dir(c.dir) {
		if err := os.Remove(left.Log); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove log: %w", err)
		}
	}
	return nil
}

// tidy gives up what died with its run and what nobody will claim again:
// stages that are no more, and all that only lets others wait.
func (c *claims) tidy(p *Project) error {
	entries, err := os.ReadDir(c.dir)
	if err != nil {
		return fmt.Errorf("look for stages at work: %w", err)
	}
	for _, e := range entries {
		file := filepath.Join(c.dir, e.Name())
		if fsx.IsSpare(file) {
			continue
		}
		l, _, err := fsx.TryLease(file)
		if err != nil {
			return err
		}
		if l == nil {
			continue
		}
		left := parseClaim(l.Left)
		if left.Stage != "" && c.concerns(left, p) {
			err = l.Abandon()
		} else {
			err = errors.Join(c.end(left), l.Release())
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// concerns reports whether what was left of a stage matters: to the stages of p
// or to another copy of the workspace, which will see to it.
func (c *claims) concerns(left *claimText, p *Project) bool {
	if left.Root == c.root {
		return p.byAddress[left.Stage] != nil
	}
	_, err := os.Lstat(left.Root)
	return err == nil
}
