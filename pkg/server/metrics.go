package server

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mlops-cli/mlops/pkg/clock"
	"github.com/mlops-cli/mlops/pkg/version"
)

// Collector adds metrics of another part when they are asked for.
type Collector func(*Exposition)

// Exposition is a page of metrics in Prometheus' text format.
type Exposition struct{ buf bytes.Buffer }

// Family begins a metric: its name, its kind (counter, gauge, histogram) and what
// it counts. Its samples follow.
func (e *Exposition) Family(name, kind, help string) {
	fmt.Fprintf(&e.buf, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind)
}

// Sample adds a value. Labels are names and values in turn.
func (e *Exposition) Sample(name string, value float64, labels ...string) {
	e.buf.WriteString(name)
	for i := 0; i+1 < len(labels); i += 2 {
		between := byte(',')
		if i == 0 {
			between = '{'
		}
		e.buf.WriteByte(between)
		e.buf.WriteString(labels[i])
		e.buf.WriteString(`="`)
		e.buf.WriteString(strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`).Replace(labels[i+1]))
		e.buf.WriteByte('"')
	}
	if len(labels) > 1 {
		e.buf.WriteByte('}')
	}
	e.buf.WriteByte(' ')
	e.buf.Write(strconv.AppendFloat(nil, value, 'g', -1, 64))
	e.buf.WriteByte('\n')
}

// One is a metric of a single sample.
func (e *Exposition) One(name, kind, help string, value float64) {
	e.Family(name, kind, help)
	e.Sample(name, value)
}

// bounds are the upper ends of the buckets of durations.
func bounds() []time.Duration {
	return []time.Duration{
		500 * time.Microsecond, time.Millisecond, 2500 * time.Microsecond, 5 * time.Millisecond, 10 * time.Millisecond,
		25 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond,
		time.Second, 2500 * time.Millisecond, 10 * time.Second,
	}
}

// metrics counts requests.
type metrics struct {
	clock    clock.Clock
	started  time.Time
	inFlight atomic.Int64
	open     atomic.Int64 // connections
	bounds   []time.Duration
	none     *routeCounts // requests without a route
	routes   []*routeCounts
}

func newMetrics(c clock.Clock) *metrics {
	m := &metrics{clock: c, started: c.Now(), bounds: bounds()}
	m.none = m.route("", "none")
	return m
}

// routeCounts counts the requests of one route.
type routeCounts struct {
	method, pattern string

	mu      sync.Mutex
	status  map[int]uint64
	buckets []uint64
	total   time.Duration
}

func (m *metrics) route(method, pattern string) *routeCounts {
	c := &routeCounts{method: method, pattern: pattern}
	m.routes = append(m.routes, c)
	return c
}

func (m *metrics) count(v *served, status int, took time.Duration) {
	c := m.none
	if v != nil {
		c = v.counts
	}
	bucket, _ := slices.BinarySearch(m.bounds, took)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.status == nil { // most routes are never asked for
		c.status, c.buckets = make(map[int]uint64), make([]uint64, len(m.bounds)+1)
	}
	c.status[status]++
	c.buckets[bucket]++
	c.total += took
}

func (c *routeCounts) copy() (status map[int]uint64, buckets []uint64, total time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.status), slices.Clone(c.buckets), c.total
}

func (s *Server) writeMetrics(w http.ResponseWriter, _ *http.Request) error {
	e := &Exposition{}
	s.metrics.expose(e)
	for _, collect := range s.o.Metrics {
		collect(e)
	}
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, err := w.Write(e.buf.Bytes())
	return err
}

func (m *metrics) expose(e *Exposition) {
	const requests, seconds = "mlops_http_requests_total", "mlops_http_request_duration_seconds"
	histogram := &Exposition{}
	e.Family(requests, "counter", "Requests answered, by route and status.")
	histogram.Family(seconds, "histogram", "Time from the first byte of a request to the end of its answer, by route.")
	for _, c := range m.routes {
		status, buckets, total := c.copy()
		if status == nil {
			continue
		}
		labels := []string{"method", c.method, "route", c.pattern}
		for _, code := range slices.Sorted(maps.Keys(status)) {
			e.Sample(requests, float64(status[code]), append(slices.Clone(labels), "status", strconv.Itoa(code))...)
		}
		var n uint64
		for i, in := range buckets {
			n += in
			le := "+Inf"
			if i < len(m.bounds) {
				le = strconv.FormatFloat(m.bounds[i].Seconds(), 'g', -1, 64)
			}
			histogram.Sample(seconds+"_bucket", float64(n), append(slices.Clone(labels), "le", le)...)
		}
		histogram.Sample(seconds+"_sum", total.Seconds(), labels...)
		histogram.Sample(seconds+"_count", float64(n), labels...)
	}
	e.buf.Write(histogram.buf.Bytes())
	e.One("mlops_http_requests_in_flight", "gauge", "Requests that have begun and not ended.", float64(m.inFlight.Load()))
	e.One("mlops_http_connections", "gauge", "Open connections, idle ones included.", float64(m.open.Load()))
	v := version.Get()
	e.Family("mlops_build_info", "gauge", "The build that runs; always 1.")
	e.Sample("mlops_build_info", 1, "version", v.Version, "commit", v.Commit, "goversion", v.Go)
	m.process(e)
}

// process adds what the runtime and the system know of this process, under the
// names that dashboards look for.
func (m *metrics) process(e *Exposition) {
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	e.One("go_goroutines", "gauge", "Goroutines that exist.", float64(runtime.NumGoroutine()))
	e.One("go_memstats_heap_alloc_bytes", "gauge", "Bytes of the heap that are in use.", float64(mem.HeapAlloc))
	e.One("go_memstats_sys_bytes", "gauge", "Bytes of memory taken from the system.", float64(mem.Sys))
	e.One("go_gc_cycles_total", "counter", "Collections of garbage that ended.", float64(mem.NumGC))
	e.One("process_start_time_seconds", "gauge", "When the server started, in seconds since 1970.", float64(m.started.UnixMilli())/1000)
	if u, ok := usage(); ok {
		e.One("process_cpu_seconds_total", "counter", "CPU time used, in seconds.", u.cpu.Seconds())
		e.One("process_resident_memory_bytes", "gauge", "Bytes of memory that are resident.", float64(u.resident))
		e.One("process_open_fds", "gauge", "Open file descriptors.", float64(u.files))
	}
}

// resources is what a process uses.
type resources struct {
	cpu      time.Duration
	resident int64 // bytes
	files    int
}
