package remote

import (
	"context"
	"sync"
)

// The number of requests in flight starts low, grows while all of them are
// used and answered, and halves when the service is overloaded.
const (
	startRequests = 8
	maxRequests   = 64
)

// limiter bounds the requests in flight and finds out how many are good.
type limiter struct {
	mu     sync.Mutex
	limit  int
	most   int
	used   int
	passed int // answered since the limit last moved
	queue  []chan struct{}
}

func newLimiter(most int) *limiter {
	return &limiter{limit: min(startRequests, most), most: most}
}

// acquire waits for a slot.
func (l *limiter) acquire(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	l.mu.Lock()
	if l.used < l.limit && len(l.queue) == 0 {
		l.used++
		l.mu.Unlock()
		return nil
	}
	turn := make(chan struct{})
	l.queue = append(l.queue, turn)
	l.mu.Unlock()
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
		l.mu.Lock()
		defer l.mu.Unlock()
		for i, c := range l.queue {
			if c == turn {
				l.queue = append(l.queue[:i], l.queue[i+1:]...)
				return ctx.Err()
			}
		}
		// The slot was given to us at the same moment: pass it on.
		l.used--
		l.wake()
		return ctx.Err()
	}
}

// release gives a slot back.
func (l *limiter) release() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.used--
	l.wake()
}

// answered is told of each request that succeeded: a whole window of them with
// others waiting makes the window larger by one.
func (l *limiter) answered() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.passed++
	if l.passed >= l.limit && len(l.queue) > 0 && l.limit < l.most {
		l.limit++
		l.passed = 0
		l.wake()
	}
}

// refused is told of each request that failed and may pass later.
func (l *limiter) refused() {
	l.mu.Lock()
	defer l.mu.Unlock()
	// Requests that fail together are one sign, not many.
	if l.passed > 0 || l.limit == min(startRequests, l.most) {
		l.limit = max(1, l.limit/2)
	}
	l.passed = 0
}

func (l *limiter) wake() {
	for l.used < l.limit && len(l.queue) > 0 {
		close(l.queue[0])
		l.queue = l.queue[1:]
		l.used++
	}
}
