package stagefile

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/mlops-cli/mlops/pkg/paramfile"
)

// Retries says how often and when a failed stage is tried again.
type Retries struct {
	Count      int           // tries after the first; 0 is never
	Backoff    time.Duration // before the first retry, doubled before each further one
	MaxBackoff time.Duration // the longest wait, 0 for no limit
	ExitCodes  []int         // only after one of these, nil for any
}

// Resources is what a stage needs of the machine while it runs. Zero means
// that nothing is said.
type Resources struct {
	CPUs   float64
	Memory int64 // bytes
	GPUs   int
}

// own resolves a value of one of our keys, where ${} may stand anywhere.
func (b *builder) own(n *yaml.Node) (any, error) {
	v, err := b.scope.resolve(n, 0)
	if err != nil {
		return nil, asProblem(err, n)
	}
	return v.plain(), nil
}

// fields gives every entry of the mapping at n to the function of its name.
func (b *builder) fields(n *yaml.Node, what string, set map[string]func(v any, n *yaml.Node) error) error {
	ps, err := pairs(n, what)
	if err != nil {
		return err
	}
	for _, p := range ps {
		v, err := b.own(p.val)
		if err != nil {
			return err
		}
		if err := set[p.name](v, p.val); err != nil {
			return asProblem(err, p.val)
		}
	}
	return nil
}

func (b *builder) setRetries(n *yaml.Node) error {
	if follow(n).Kind != yaml.MappingNode {
		v, err := b.own(n)
		if err != nil {
			return err
		}
		b.Retries.Count, err = count(v, n, "retries")
		return err
	}
	return b.fields(n, "retries", map[string]func(any, *yaml.Node) error{
		"count": func(v any, n *yaml.Node) (err error) {
			b.Retries.Count, err = count(v, n, "retries: count")
			return err
		},
		"backoff": func(v any, n *yaml.Node) (err error) {
			b.Retries.Backoff, err = duration(v, n, "retries: backoff")
			return err
		},
		"max_backoff": func(v any, n *yaml.Node) (err error) {
			b.Retries.MaxBackoff, err = duration(v, n, "retries: max_backoff")
			return err
		},
		"on": func(v any, n *yaml.Node) error {
			list, ok := v.([]any)
			if !ok {
				list = []any{v}
			}
			for _, x := range list {
				code, err := count(x, n, "retries: on")
				if err != nil || code == 0 || code > 255 {
					return at(n, "retries: on: expected exit codes from 1 to 255, found %s", paramfile.Text(x))
				}
				b.Retries.ExitCodes = append(b.Retries.ExitCodes, code)
			}
			return nil
		},
	})
}

func (b *builder) setResources(n *yaml.Node) error {
	return b.fields(n, "resources", map[string]func(any, *yaml.Node) error{
		"cpus": func(v any, n *yaml.Node) error {
			f, ok := v.(float64)
			if i, isInt := v.(int64); isInt {
				f, ok = float64(i), true
			}
			if !ok || !(f > 0) || math.IsInf(f, 0) {
				return at(n, "resources: cpus: expected a number above 0, found %s", paramfile.Text(v))
			}
			b.Resources.CPUs = f
			return nil
		},
		"memory": func(v any, n *yaml.Node) error {
			size, err := parseBytes(paramfile.Text(v))
			if err != nil {
				return at(n, "resources: memory: %s", err).hint("write it as 512MiB, 4GiB or a number of bytes")
			}
			b.Resources.Memory = size
			return nil
		},
		"gpus": func(v any, n *yaml.Node) (err error) {
			b.Resources.GPUs, err = count(v, n, "resources: gpus")
			return err
		},
	})
}

// setPool reads a name, for one slot, or a mapping of names to slots.
func (b *builder) setPool(n *yaml.Node) error {
	v, err := b.own(n)
	if err != nil {
		return err
	}
	b.Pool, err = slots(v, n, "pool")
	return err
}

func slots(v any, n *yaml.Node, what string) (map[string]int, error) {
	if name, ok := v.(string); ok && name != "" && what == "pool" {
		return map[string]int{name: 1}, nil
	}
	m, ok := v.(*paramfile.Map)
	if !ok {
		return nil, at(n, "%s: expected names with their number of slots, found a %s", what, paramfile.TypeName(v))
	}
	out := make(map[string]int, m.Len())
	for _, name := range m.Keys() {
		x, _ := m.Get(name)
		k, err := count(x, n, what+": "+name)
		if err != nil || k == 0 || name == "" {
			return nil, at(n, "%s: %s: expected a number of slots above 0, found %s", what, name, paramfile.Text(x))
		}
		out[name] = k
	}
	return out, nil
}

// setMutex reads a name or a list of names.
func (b *builder) setMutex(n *yaml.Node) error {
	v, err := b.own(n)
	if err != nil {
		return err
	}
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	for _, x := range list {
		name, ok := x.(string)
		if !ok || name == "" {
			return at(n, "mutex: expected a name or a list of names, found a %s", paramfile.TypeName(x))
		}
		b.Mutex = append(b.Mutex, name)
	}
	return nil
}

// pools reads the top-level pools of a file.
func (l *loader) pools(n *yaml.Node) error {
	v, err := l.scope.resolve(n, 0)
	if err != nil {
		return asProblem(err, n)
	}
	l.file.Pools, err = slots(v.plain(), n, "pools")
	return err
}

func count(v any, n *yaml.Node, what string) (int, error) {
	i, ok := v.(int64)
	if !ok || i < 0 || i > math.MaxInt32 {
		return 0, at(n, "%s: expected a whole number, found %s", what, paramfile.Text(v))
	}
	return int(i), nil
}

func duration(v any, n *yaml.Node, what string) (time.Duration, error) {
	d, err := time.ParseDuration(paramfile.Text(v))
	if err != nil || d < 0 {
		return 0, at(n, "%s: %q is not a duration", what, paramfile.Text(v)).hint("write it as 90s, 15m or 2h30m")
	}
	return d, nil
}

// parseBytes reads a size: 4GiB, 500MB, 1.5 GiB, 4096.
func parseBytes(text string) (int64, error) {
	number := strings.TrimRight(text, "BKMGTPbkmgtpi ")
	unit := strings.ToLower(strings.TrimSpace(text[len(number):]))
	scale, known := map[string]float64{
		"": 1, "b": 1, "kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12, "pb": 1e15, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40,
		"kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "tib": 1 << 40, "pib": 1 << 50, "ki": 1 << 10, "mi": 1 << 20, "gi": 1 << 30, "ti": 1 << 40,
	}[unit]
	f, err := strconv.ParseFloat(number, 64)
	if !known || err != nil || !(f > 0) || f*scale >= math.MaxInt64 {
		return 0, fmt.Errorf("%q is not a size", text)
	}
	return int64(f * scale), nil
}
