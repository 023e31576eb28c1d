package pipeline

import (
	"context"
	"slices"
	"time"

	"github.com/mlops-cli/mlops/pkg/clock"
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/stagefile"
)

// keepUncached is the size in bytes up to which an out with cache: false is
// kept in the store too, so that the stage cache can restore it.
const keepUncached = 1 << 20

// saver saves the outs of stages that finish together in one go, so that many
// small stages share one flush of the disk.
type saver struct {
	data  Data
	clock clock.Clock
	queue chan *saveRequest
	hurry chan struct{} // has a value when others wait for what is being gathered
	ended chan struct{}
}

// While stages run, the saver waits for more of them to finish: so many times as
// long as it took to save, but no longer than this.
const (
	saveTimes = 5
	saveMost  = 100 * time.Millisecond
)

type saveRequest struct {
	ctx   context.Context
	paths []string
	reads []string // to be looked at again
	reply chan saveReply
}

type saveReply struct {
	found map[string]stagefile.Asset
	reads map[string]stagefile.Asset
	err   error
}

func newSaver(data Data, c clock.Clock) *saver {
	s := &saver{data: data, clock: c, queue: make(chan *saveRequest), hurry: make(chan struct{}, 1), ended: make(chan struct{})}
	go s.loop()
	return s
}

func (s *saver) close() {
	close(s.queue)
	<-s.ended
}

// flush has the saver wait for no more stages.
func (s *saver) flush() {
	select {
	case s.hurry <- struct{}{}:
	default:
	}
}

// gather returns first and all requests that come within a while.
func (s *saver) gather(first *saveRequest, while time.Duration) []*saveRequest {
	group := []*saveRequest{first}
	over := time.After(while)
	for {
		select {
		case r, ok := <-s.queue:
			if !ok {
				return group
			}
			group = append(group, r)
			continue
		default:
		}
		select {
		case r, ok := <-s.queue:
			if !ok {
				return group
			}
			group = append(group, r)
		case <-s.hurry:
			over = time.After(0)
		case <-over:
			return group
		}
	}
}

// loop takes requests that come together and answers them together.
func (s *saver) loop() {
	defer close(s.ended)
	var while time.Duration
	for first := range s.queue {
		group := s.gather(first, while)
		start := s.clock.Now()
		var paths, reads []string
		for _, r := range group {
			paths, reads = append(paths, r.paths...), append(reads, r.reads...)
		}
		found, err := s.data.Save(first.ctx, paths)
		slices.Sort(reads)
		now, lookErr := s.data.Hash(first.ctx, slices.Compact(reads))
		if lookErr != nil {
			now = nil // what cannot be read any more tells nothing
		}
		for _, r := range group {
			if err != nil && len(group) > 1 { // find out whose fault it is
				one, err := s.data.Save(r.ctx, r.paths)
				r.reply <- saveReply{one, now, err}
				continue
			}
			r.reply <- saveReply{found, now, err}
		}
		while = min(saveTimes*s.clock.Now().Sub(start), saveMost)
	}
}

// save stores the outs of a stage and returns them in the order declared. Found
// is what stands at reads now.
func (s *saver) save(ctx context.Context, stage *stagefile.Stage, reads []string) (outs []stagefile.Asset, found map[string]stagefile.Asset, err error) {
	made, found, err := s.saveAll(ctx, stage, reads)
	if err != nil {
		return nil, nil, err
	}
	outs = make([]stagefile.Asset, 0, len(stage.Outs))
	for _, o := range stage.Outs {
		a, ok := made[o.Path]
		if !ok {
			return nil, nil, missingOut(o)
		}
		a.NoCache, a.NoPush = o.NoCache, o.NoPush
		outs = append(outs, a)
	}
	return outs, found, nil
}

func missingOut(o stagefile.Out) error {
	return errs.New(errs.StageFailed, "its command did not make the output %s", o.Path).
		Hint("correct the path in the pipeline file, or have the command write it")
}

func (s *saver) saveAll(ctx context.Context, stage *stagefile.Stage, reads []string) (made, found map[string]stagefile.Asset, err error) {
	if len(stage.Outs)+len(reads) == 0 {
		return nil, nil, nil
	}
	var hash, store []string
	for _, o := range stage.Outs {
		if o.NoCache {
			hash = append(hash, o.Path)
		} else {
			store = append(store, o.Path)
		}
	}
	made = map[string]stagefile.Asset{}
	if len(hash) > 0 {
		hashed, err := s.data.Hash(ctx, hash)
		if err != nil {
			return nil, nil, err
		}
		for p, a := range hashed {
			made[p] = a
			if a.Size <= keepUncached {
				store = append(store, p)
			}
		}
	}
	r := &saveRequest{ctx: ctx, paths: store, reads: reads, reply: make(chan saveReply, 1)}
	s.queue <- r
	reply := <-r.reply
	if reply.err != nil {
		if errs.Is(reply.err, errs.NotFound) {
			return nil, nil, s.absent(ctx, stage, reply.err)
		}
		return nil, nil, reply.err
	}
	for _, p := range store {
		if a, ok := reply.found[p]; ok {
			made[p] = a
		}
	}
	return made, reply.reads, nil
}

// absent names the out that is not there.
func (s *saver) absent(ctx context.Context, stage *stagefile.Stage, err error) error {
	found, hashErr := s.data.Hash(ctx, outPaths(stage))
	if hashErr != nil {
		return hashErr
	}
	for _, o := range stage.Outs {
		if _, ok := found[o.Path]; !ok {
			return missingOut(o)
		}
	}
	return err
}
