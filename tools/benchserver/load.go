package main

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// load is what clients saw.
type load struct {
	requests int
	took     time.Duration
	latency  []time.Duration // sorted
}

func (l load) perSecond() float64 { return float64(l.requests) / l.took.Seconds() }

// percentile is the latency that p of a hundred requests stayed below.
func (l load) percentile(p int) time.Duration {
	if len(l.latency) == 0 {
		return 0
	}
	return l.latency[min(len(l.latency)-1, len(l.latency)*p/100)]
}

// drive has clients ask for a while, each one request after the other. Request
// is told which client it is for, and how many that client made before.
func drive(ctx context.Context, clients int, during time.Duration, request func(ctx context.Context, client, n int) error) (load, error) {
	all := make([][]time.Duration, clients)
	failed := make([]error, clients)
	began := time.Now()
	var wait sync.WaitGroup
	for c := range clients {
		wait.Go(func() {
			for n := 0; time.Since(began) < during; n++ {
				at := time.Now()
				if failed[c] = request(ctx, c, n); failed[c] != nil {
					return
				}
				all[c] = append(all[c], time.Since(at))
			}
		})
	}
	wait.Wait()
	l := load{took: time.Since(began), latency: slices.Concat(all...)}
	l.requests = len(l.latency)
	slices.Sort(l.latency)
	return l, errors.Join(failed...)
}

// spread has clients share n requests.
func spread(ctx context.Context, clients, n int, request func(ctx context.Context, i int) error) error {
	failed := make([]error, clients)
	var wait sync.WaitGroup
	for c := range clients {
		wait.Go(func() {
			for i := c; i < n && failed[c] == nil; i += clients {
				failed[c] = request(ctx, i)
			}
		})
	}
	wait.Wait()
	return errors.Join(failed...)
}
