package pipeline

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/fsx"
	"github.com/mlops-cli/mlops/pkg/proc"
	"github.com/mlops-cli/mlops/pkg/stagefile"
	"github.com/mlops-cli/mlops/pkg/term"
)

// Machine is what stages share while they run.
type Machine struct {
	CPUs   float64
	Memory int64    // bytes, 0 when not known
	GPUs   []string // as CUDA_VISIBLE_DEVICES names them
}

// limits is what a run has to give: the machine and the pools.
type limits struct {
	Machine
	pools map[string]int
}

// limits finds out what there is. GPUs are looked for when a stage wants some.
func (e *Engine) limits(ctx context.Context, p *Project, chosen []string, q RunRequest) (limits, error) {
	l := limits{Machine: Machine{CPUs: float64(max(runtime.NumCPU(), q.Jobs)), Memory: proc.Memory()}}
	if e.Machine != nil {
		l.Machine = *e.Machine
		l.CPUs = max(l.CPUs, float64(q.Jobs))
	}
	var err error
	if l.pools, err = p.pools(); err != nil {
		return l, err
	}
	wantsGPU := func(a string) bool { return p.byAddress[a].Resources.GPUs > 0 }
	if e.Machine == nil && slices.ContainsFunc(chosen, wantsGPU) {
		l.GPUs = findGPUs(ctx, q.GPUs)
	}
	return l, e.enough(ctx, p, chosen, q, l)
}

// pools joins the pools of all pipeline files.
func (p *Project) pools() (map[string]int, error) {
	all, from := map[string]int{}, map[string]string{}
	for _, f := range p.Files {
		for _, name := range sortedKeys(f.Pools) {
			if n, had := all[name]; had && n != f.Pools[name] {
				return nil, errs.New(errs.Usage, "pool %s has %d slots in %s and %d in %s", name, n, from[name], f.Pools[name], f.Path).
					Hint("declare it in one of the files")
			}
			all[name], from[name] = f.Pools[name], f.Path
		}
	}
	return all, nil
}

// enough refuses to begin when a stage that would run asks for more than there
// is: it could never start.
func (e *Engine) enough(ctx context.Context, p *Project, chosen []string, q RunRequest, l limits) error {
	var short []string
	for _, a := range chosen {
		if l.short(p.byAddress[a]) != nil {
			short = append(short, a)
		}
	}
	if len(short) == 0 {
		return nil
	}
	steps, err := e.plan(ctx, p, e.Read, q.PlanRequest)
	if err != nil {
		return err
	}
	for _, step := range steps {
		if step.Action == Run && slices.Contains(short, step.Name) {
			return l.short(p.byAddress[step.Name])
		}
	}
	return nil
}

// short says what a stage asks for that the run can never give it.
func (l limits) short(s *stagefile.Stage) error {
	say := func(format string, args ...any) *errs.Error {
		return errs.New(errs.Usage, "stage %s (%s:%d) wants %s", s.Address(), s.File, s.Pos.Line, fmt.Sprintf(format, args...))
	}
	r := s.Resources
	switch {
	case r.CPUs > l.CPUs:
		return say("%g CPUs, %s", r.CPUs, there(l.CPUs)).Hint("lower 'resources: cpus', or allow more: mlops run --jobs %g", r.CPUs)
	case l.Memory > 0 && r.Memory > l.Memory:
		return say("%s of memory, there is %s", term.Bytes(r.Memory), term.Bytes(l.Memory)).Hint("lower 'resources: memory'")
	case r.GPUs > len(l.GPUs):
		err := say("%s, %s", term.Plural(int64(r.GPUs), "GPU"), there(float64(len(l.GPUs))))
		if _, named := os.LookupEnv("CUDA_VISIBLE_DEVICES"); named {
			return err.Hint("lower 'resources: gpus', or name more in CUDA_VISIBLE_DEVICES")
		}
		return err.Hint("lower 'resources: gpus', or say how many there are: mlops config set run.gpus %d", r.GPUs)
	}
	for _, name := range sortedKeys(s.Pool) {
		n, known := l.pools[name]
		switch {
		case !known:
			return say("a slot of the pool %s, which is not declared", name).DidYouMean(name, sortedKeys(l.pools)).
				Hint("declare it at the top of %s: pools: {%s: %d}", s.File, name, s.Pool[name])
		case s.Pool[name] > n:
			return say("%s of the pool %s, which has %d", term.Plural(int64(s.Pool[name]), "slot"), name, n).Hint("give the pool more slots, or ask for fewer")
		}
	}
	return nil
}

func there(n float64) string {
	if n == 1 {
		return "there is 1"
	}
	return fmt.Sprintf("there are %g", n)
}

// findGPUs names the devices of this machine: those that are visible, else as
// many as were configured, else what nvidia-smi lists.
func findGPUs(ctx context.Context, configured int) []string {
	var found []string
	if visible, ok := os.LookupEnv("CUDA_VISIBLE_DEVICES"); ok {
		for id := range strings.SplitSeq(visible, ",") {
			if id = strings.TrimSpace(id); id != "" && id != "-1" {
				found = append(found, id)
			}
		}
		if configured > 0 && len(found) > configured {
			found = found[:configured]
		}
		return found
	}
	for i := range configured {
		found = append(found, strconv.Itoa(i))
	}
	if configured > 0 {
		return found
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, "nvidia-smi", "--query-gpu=index", "--format=csv,noheader").Output()
	if err != nil {
		return nil // no such devices, or no driver
	}
	return strings.Fields(string(out))
}

// budget is what is left of the processors and the memory.
type budget struct {
	cpus   float64
	memory int64
}

func cpusOf(s *stagefile.Stage) float64 {
	if s.Resources.CPUs > 0 {
		return s.Resources.CPUs
	}
	return 1
}

// lacks names what is missing for the stage to start now, "" for nothing.
// Stages that ask for the same lack the same.
func (b budget) lacks(s *stagefile.Stage, l limits) string {
	const rounding = 1e-9
	if cpusOf(s) <= b.cpus+rounding && (l.Memory == 0 || s.Resources.Memory <= b.memory) {
		return ""
	}
	return fmt.Sprintf("%g cpus, %d bytes", cpusOf(s), s.Resources.Memory)
}

func (b *budget) take(s *stagefile.Stage) {
	b.cpus -= cpusOf(s)
	b.memory -= s.Resources.Memory
}

func (b *budget) give(s *stagefile.Stage) {
	b.cpus += cpusOf(s)
	b.memory += s.Resources.Memory
}

// slots are the leases of pools, mutexes and GPUs that a stage holds while its
// commands run. They hold across all runs of this repository on this machine.
type slots struct {
	pool   *fsx.LeasePool
	leases []*fsx.Lease
	gpus   []string
}

// takeSlots takes all that the stage needs, or nothing.
func (c *claims) takeSlots(s *stagefile.Stage, l limits) (slots, *busy, error) {
	got := slots{pool: c.pool}
	for _, kind := range []struct {
		name  string
		wants map[string]int
		has   func(string) int
	}{
		{"mutex", count(s.Mutex), func(string) int { return 1 }},
		{"pool", s.Pool, func(name string) int { return l.pools[name] }},
	} {
		for _, name := range sortedKeys(kind.wants) {
			for range kind.wants[name] {
				lease, b, err := c.slot(kind.name, name, kind.has(name))
				if lease == nil {
					return slots{}, b, joinRelease(err, got.release())
				}
				got.leases = append(got.leases, lease)
			}
		}
	}
	for range s.Resources.GPUs {
		lease, i, b, err := c.gpu(l.GPUs)
		if lease == nil {
			return slots{}, b, joinRelease(err, got.release())
		}
		got.leases, got.gpus = append(got.leases, lease), append(got.gpus, l.GPUs[i])
	}
	slices.Sort(got.gpus)
	return got, nil, nil
}

// gpu takes a device that nobody has.
func (c *claims) gpu(ids []string) (*fsx.Lease, int, *busy, error) {
	var all *busy
	for i, id := range ids {
		lease, b, err := c.slot("gpu", id, 1)
		if lease != nil || err != nil {
			return lease, i, nil, err
		}
		if all == nil || b.by != nil {
			all = b
		}
	}
	all.key = "gpus"
	return nil, 0, all, nil
}

func joinRelease(err, released error) error {
	if err != nil {
		return err
	}
	return released
}

func (s *slots) release() error {
	var first error
	for _, l := range s.leases {
		if err := s.pool.Release(l); err != nil && first == nil {
			first = fmt.Errorf("give a slot back: %w", err)
		}
	}
	s.leases = nil
	return first
}

// count maps each name to 1: a mutex named twice is held once.
func count(names []string) map[string]int {
	out := map[string]int{}
	for _, n := range names {
		out[n] = 1
	}
	return out
}
