package pipeline

import (
	"context"

	"github.com/mlops-cli/mlops/pkg/stagefile"
)

// restorer puts outs of many stages in place in one go: a thousand small
// restores would each pay for what they share.
type restorer struct {
	bring func(ctx context.Context, assets []stagefile.Asset) error
	queue chan *restoreRequest
	ended chan struct{}
}

type restoreRequest struct {
	ctx    context.Context
	assets []stagefile.Asset
	reply  chan error
}

func newRestorer(bring func(ctx context.Context, assets []stagefile.Asset) error) *restorer {
	r := &restorer{bring: bring, queue: make(chan *restoreRequest), ended: make(chan struct{})}
	go r.loop()
	return r
}

func (r *restorer) close() {
	close(r.queue)
	<-r.ended
}

// loop takes all requests that wait and carries them out together.
func (r *restorer) loop() {
	defer close(r.ended)
	for first := range r.queue {
		group := []*restoreRequest{first}
		for more := true; more; {
			select {
			case q, ok := <-r.queue:
				if more = ok; ok {
					group = append(group, q)
				}
			default:
				more = false
			}
		}
		var all []stagefile.Asset
		for _, q := range group {
			all = append(all, q.assets...)
		}
		err := r.bring(first.ctx, all)
		for _, q := range group {
			if err != nil && len(group) > 1 { // find out whose fault it is
				q.reply <- r.bring(q.ctx, q.assets)
				continue
			}
			q.reply <- err
		}
	}
}

// restore puts the outs of a stage in place.
func (r *restorer) restore(ctx context.Context, assets []stagefile.Asset) error {
	if len(assets) == 0 {
		return nil
	}
	q := &restoreRequest{ctx: ctx, assets: assets, reply: make(chan error, 1)}
	r.queue <- q
	return <-q.reply
}
