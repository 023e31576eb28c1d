package route

import "context"

type requestKey struct{}

// WithRequestID returns a context of the request id.
func WithRequestID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, requestKey{}, id)
}

// RequestID is the id that the log has of this request, "" outside a server.
// Errors that must not be shown are named by it.
func RequestID(ctx context.Context) string {
	id, _ := ctx.Value(requestKey{}).(string)
	return id
}

type faultKey struct{}

// WithFault returns a context whose Fault calls log.
func WithFault(ctx context.Context, log func(error)) context.Context {
	return context.WithValue(ctx, faultKey{}, log)
}

// Fault gives the log of this request the cause of an answer that does not show
// it, where a handler writes that answer itself.
func Fault(ctx context.Context, err error) {
	if log, ok := ctx.Value(faultKey{}).(func(error)); ok {
		log(err)
	}
}

type drainKey struct{}

// WithDraining returns a context whose server stops when drain is closed.
func WithDraining(ctx context.Context, drain <-chan struct{}) context.Context {
	return context.WithValue(ctx, drainKey{}, drain)
}

// Draining is closed when the server wants to stop: answers that never end by
// themselves, such as streams of events, must end then. It is nil, which blocks
// forever, outside a server.
func Draining(ctx context.Context) <-chan struct{} {
	drain, _ := ctx.Value(drainKey{}).(<-chan struct{})
	return drain
}
