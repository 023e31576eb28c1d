package fault

import "context"

type hookKey struct{}

// Hook is called with the name of each point that is passed. An error that it
// returns is the error of that step.
type Hook func(point string) error

// WithHook returns a context whose points call hook.
func WithHook(ctx context.Context, hook Hook) context.Context {
	return context.WithValue(ctx, hookKey{}, hook)
}

// At marks a named step, such as "add.pack.synced". Call it once a step, not
// once a file: it looks the hook up in ctx.
func At(ctx context.Context, point string) error {
	if hook, ok := ctx.Value(hookKey{}).(Hook); ok {
		return hook(point)
	}
	return nil
}
