package account

import (
	"maps"
	"math"
	"time"

	"github.com/mlops-cli/mlops/pkg/route"
)

// failures are wrong secrets of one name or one address. One is forgiven every
// forgivenAfter.
type failures struct {
	count int
	last  time.Time
}

const (
	triesPerName    = 10
	triesPerAddress = 100 // many people may be behind one
	forgivenAfter   = 6 * time.Second
	namesKept       = 10_000 // bounds what attackers can make us remember
)

func (f failures) at(now time.Time) int {
	return max(0, f.count-int(now.Sub(f.last)/forgivenAfter))
}

// mayTry is a Refusal with status 429 when a name or an address has failed too
// often. An empty name is nobody's.
func (m *memory) mayTry(now time.Time, name, from string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	n, a := m.failures["name "+name], m.failures["from "+from]
	if n.at(now) < triesPerName && a.at(now) < triesPerAddress {
		return nil
	}
	return route.Refuse(429, "too many wrong passwords or tokens: try again in %.0f s", math.Ceil(forgivenAfter.Seconds()))
}

func (m *memory) failed(now time.Time, name, from string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.failures) > namesKept {
		maps.DeleteFunc(m.failures, func(_ string, f failures) bool { return f.at(now) == 0 })
	}
	if len(m.failures) > 2*namesKept {
		clear(m.failures)
	}
	keys := []string{"from " + from}
	if name != "" {
		keys = append(keys, "name "+name)
	}
	for _, who := range keys {
		m.failures[who] = failures{count: m.failures[who].at(now) + 1, last: now}
	}
}
