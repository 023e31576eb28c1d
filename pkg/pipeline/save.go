package pipeline

import (
	"context"

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
	queue chan *saveRequest
	ended chan struct{}
}

type saveRequest struct {
	ctx   context.Context
	paths []string
	reply chan saveReply
}

type saveReply struct {
	found map[string]stagefile.Asset
	err   error
}

func newSaver(data Data) *saver {
	s := &saver{data: data, queue: make(chan *saveRequest), ended: make(chan struct{})}
	go s.loop()
	return s
}

func (s *saver) close() {
	close(s.queue)
	<-s.ended
}

// loop takes all requests that wait and answers them together.
func (s *saver) loop() {
	defer close(s.ended)
	for first := range s.queue {
		group := []*saveRequest{first}
		for more := true; more; {
			select {
			case r, ok := <-s.queue:
				if more = ok; ok {
					group = append(group, r)
				}
			default:
				more = false
			}
		}
		var paths []string
		for _, r := range group {
			paths = append(paths, r.paths...)
		}
		found, err := s.data.Save(first.ctx, paths)
		for _, r := range group {
			if err != nil && len(group) > 1 { // find out whose fault it is
				one, err := s.data.Save(r.ctx, r.paths)
				r.reply <- saveReply{one, err}
				continue
			}
			r.reply <- saveReply{found, err}
		}
	}
}

// save stores the outs of a stage and returns them in the order declared.
func (s *saver) save(ctx context.Context, stage *stagefile.Stage) ([]stagefile.Asset, error) {
	found, err := s.saveAll(ctx, stage)
	if err != nil {
		return nil, err
	}
	outs := make([]stagefile.Asset, 0, len(stage.Outs))
	for _, o := range stage.Outs {
		a, ok := found[o.Path]
		if !ok {
			return nil, missingOut(o)
		}
		a.NoCache, a.NoPush = o.NoCache, o.NoPush
		outs = append(outs, a)
	}
	return outs, nil
}

func missingOut(o stagefile.Out) error {
	return errs.New(errs.StageFailed, "its command did not make the output %s", o.Path).
		Hint("correct the path in the pipeline file, or have the command write it")
}

func (s *saver) saveAll(ctx context.Context, stage *stagefile.Stage) (map[string]stagefile.Asset, error) {
	if len(stage.Outs) == 0 {
		return nil, nil
	}
	var hash, store []string
	for _, o := range stage.Outs {
		if o.NoCache {
			hash = append(hash, o.Path)
		} else {
			store = append(store, o.Path)
		}
	}
	found := map[string]stagefile.Asset{}
	if len(hash) > 0 {
		hashed, err := s.data.Hash(ctx, hash)
		if err != nil {
			return nil, err
		}
		for p, a := range hashed {
			found[p] = a
			if a.Size <= keepUncached {
				store = append(store, p)
			}
		}
	}
	r := &saveRequest{ctx: ctx, paths: store, reply: make(chan saveReply, 1)}
	s.queue <- r
	reply := <-r.reply
	if reply.err != nil {
		if errs.Is(reply.err, errs.NotFound) {
			return nil, s.absent(ctx, stage, reply.err)
		}
		return nil, reply.err
	}
	for _, p := range store {
		if a, ok := reply.found[p]; ok {
			found[p] = a
		}
	}
	return found, nil
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
