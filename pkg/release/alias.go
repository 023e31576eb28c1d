package release

import (
	"context"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/stagefile"
)

// ungated refuses to set an alias that has gates without looking at them.
func (p *Releaser) ungated(ctx context.Context, model, alias string) error {
	gated, err := p.gated(ctx, model, alias)
	if gated == nil {
		return err
	}
	return gated.Hint("mlops model promote %s/VERSION %s", model, alias)
}

// gated is the fault of an alias that has gates, nil where it has none.
func (p *Releaser) gated(ctx context.Context, model, alias string) (*errs.Error, error) {
	_, has, err := p.Gates(ctx, model, alias)
	if err != nil || !has {
		return nil, err
	}
	return errs.New(errs.Conflict, "%s@%s has gates in %s", model, alias, stagefile.FileName), nil
}

// SetAlias gives a version an alias that has no gates; with force also one that
// has.
func (p *Releaser) SetAlias(ctx context.Context, name, alias string, number int, force bool) error {
	if !force {
		if err := p.ungated(ctx, name, alias); err != nil {
			return err
		}
	}
	return p.reg.SetAlias(ctx, name, alias, number)
}

// RemoveAlias takes an alias that has no gates off a model; with force also one
// that has: without a version to compare with, the next one passes more easily.
func (p *Releaser) RemoveAlias(ctx context.Context, name, alias string, force bool) error {
	m, err := p.reg.Model(ctx, name)
	if err != nil {
		return err
	}
	if _, err := m.Holder(alias); err != nil {
		return err
	}
	gated, err := p.gated(ctx, name, alias)
	if err != nil {
		return err
	}
	if gated != nil && !force {
		return gated.Hint("mlops model alias %s --remove %s --force", name, alias)
	}
	return p.reg.DeleteAlias(ctx, name, alias)
}
