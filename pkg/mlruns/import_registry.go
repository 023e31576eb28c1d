package mlruns

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/fault"
	"github.com/mlops-cli/mlops/pkg/registry"
	"github.com/mlops-cli/mlops/pkg/track"
)

// registry takes the registered models over. With some experiments chosen, only
// the versions that their runs made.
func (m *Importer) registry(ctx context.Context, some bool) error {
	all, err := m.source.Registry(ctx)
	if err != nil {
		return err
	}
	for _, reg := range all {
		if some {
			reg.Versions = slices.DeleteFunc(reg.Versions, func(v Version) bool { return v.Gone || m.storage(v.Version) == "" })
			if len(reg.Versions) == 0 {
				continue
			}
		}
		if err := m.registered(ctx, reg); err != nil {
			if ctx.Err() != nil || errs.Is(err, errs.Internal) {
				return err
			}
			m.problem("registered model "+reg.Name, err)
		}
	}
	return nil
}

func (m *Importer) registered(ctx context.Context, reg Registered) error {
	t := m.target.Registry
	here, err := t.Model(ctx, reg.Name)
	known := err == nil
	if err != nil && !errs.Is(err, errs.NotFound) {
		return err
	}
	var versions []registry.Version
	if known {
		if versions, err = t.Versions(ctx, registry.Query{Filter: track.Filter{{Entity: track.Attributes, Key: "name", Op: track.Equal, Text: reg.Name}}, Bare: true, Prompts: true}); err != nil {
			return err
		}
		same, err := m.told(ctx, registry.Ref{Name: reg.Name}, here.Description, reg.Description, here.Tags, reg.Tags)
		if err != nil {
			return err
		}
		m.count(&m.result.Registered, true, same)
	} else {
		m.result.Registered.New++
		if !m.result.DryRun {
			if here, err = t.CreateModel(ctx, reg.Model); err != nil {
				return err
			}
		}
	}
	numbers, err := m.versions(ctx, reg, versions)
	if err != nil || m.result.DryRun {
		return err
	}
	for _, a := range reg.Aliases {
		taken := slices.ContainsFunc(here.Aliases, func(had registry.Alias) bool { return had.Name == a.Name })
		if number := numbers[a.Version]; number != 0 && !taken {
			if err := t.SetAlias(ctx, reg.Name, a.Name, number); err != nil {
				return err
			}
		}
	}
	return fault.At(ctx, "mlruns.registered")
}

// told adds the description and the tags that a model or version lacks here; the
// others may have been changed here.
func (m *Importer) told(ctx context.Context, ref registry.Ref, had, description string, hadTags, tags []registry.Tag) (same bool, err error) {
	t := m.target.Registry
	same = true
	if had == "" && description != "" {
		same = false
		if !m.result.DryRun {
			if err := t.Describe(ctx, ref, description); err != nil {
				return false, err
			}
		}
	}
	for _, tag := range tags {
		if tag.Key == originTag || slices.ContainsFunc(hadTags, func(h registry.Tag) bool { return h.Key == tag.Key }) {
			continue
		}
		same = false
		if m.result.DryRun {
			continue
		}
		if err := t.SetTag(ctx, ref, tag.Key, tag.Value); err != nil {
			return false, err
		}
	}
	return same, nil
}

// versions registers the versions that are not among those here, and returns the
// number here of each number there.
func (m *Importer) versions(ctx context.Context, reg Registered, here []registry.Version) (map[int]int, error) {
	t := m.target.Registry
	numbers := map[int]int{}
	last := 0 // the highest number that is known to be used here
	for _, v := range here {
		last = max(last, v.Number)
		if v.ID == gapID(v.Model, v.Number) && !m.result.DryRun { // of an import that was killed
			if err := t.Delete(ctx, registry.Ref{Name: v.Model, Number: v.Number}); err != nil {
				return nil, err
			}
		}
	}
	for _, v := range reg.Versions {
		v.ID = versionID(v.Version)
		isIt := func(had registry.Version) bool { // an export names those that it was made from
			return had.ID == v.ID || slices.Contains(v.Tags, registry.Tag{Key: originTag, Value: had.ID})
		}
		if i := slices.IndexFunc(here, isIt); i >= 0 {
			numbers[v.Number] = here[i].Number
			same, err := m.told(ctx, registry.Ref{Name: v.Model, Number: here[i].Number}, here[i].Description, v.Description, here[i].Tags, v.Tags)
			if err != nil {
				return nil, err
			}
			m.count(&m.result.Versions, true, same)
			continue
		}
		if v.Gone {
			continue
		}
		if m.result.DryRun {
			m.result.Versions.New++
			continue
		}
		number, err := m.version(ctx, v.Version, last)
		if isHad(err) { // it was taken over, and deleted here since
			last = max(last, v.Number)
			m.result.Versions.Same++
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("version %d: %w", v.Number, err)
		}
		last = max(last, number)
		if number != v.Number {
			m.problem(fmt.Sprintf("version %d of %s", v.Number, reg.Name), fmt.Errorf("it is version %d here: other versions have used that number", number))
		}
		numbers[v.Number] = number
		m.result.Versions.New++
		if err := fault.At(ctx, "mlruns.version"); err != nil {
			return nil, err
		}
	}
	return numbers, nil
}

// isHad reports whether a version is not made because it has been here.
func isHad(err error) bool {
	e, ok := errors.AsType[*registry.ExistsError](err)
	return ok && e != nil
}

// version registers one version under its number, where that is free. The numbers
// of versions that were deleted before it stay unused: last is the highest one used.
func (m *Importer) version(ctx context.Context, v registry.Version, last int) (int, error) {
	t := m.target.Registry
	if at := m.storage(v); at != "" {
		if !strings.HasPrefix(v.Source, "models:/") {
			v.Source = at
		}
		v.Storage = at
	}
	if !slices.Contains(registry.Stages(), v.Stage) {
		v.Stage = registry.NoStage
	}
	for last+1 < v.Number {
		last++
		gap, err := t.CreateVersion(ctx, registry.Version{ID: gapID(v.Model, last), Model: v.Model, Source: v.Source})
		if isHad(err) { // an import that was killed made it
			continue
		}
		if err != nil {
			return 0, err
		}
		if err := fault.At(ctx, "mlruns.gap"); err != nil {
			return 0, err
		}
		last = gap.Number
		if err := t.Delete(ctx, registry.Ref{Name: v.Model, Number: gap.Number}); err != nil {
			return 0, err
		}
	}
	made, err := t.CreateVersion(ctx, v)
	return made.Number, err
}

// storage is where the files of a version are here; "" when they were not taken over.
func (m *Importer) storage(v registry.Version) string {
	for _, uri := range []string{v.Storage, v.Source} {
		if id, ok := strings.CutPrefix(uri, "models:/"); ok {
			if m.models[id] {
				return m.rootOf("/models/" + id + "/artifacts")
			}
			continue
		}
		for place, root := range m.places {
			if below, ok := strings.CutPrefix(uri, place); ok && place != "" && (below == "" || below[0] == '/') {
				return root + below
			}
		}
	}
	if v.LoggedModel != "" && m.models[v.LoggedModel] {
		return m.rootOf("/models/" + v.LoggedModel + "/artifacts")
	}
	if run, ok := strings.CutPrefix(v.Source, "runs:/"); ok {
		id, below, _ := strings.Cut(run, "/")
		if root := m.rootOf("/" + id + "/artifacts"); root != "" {
			return root + "/" + below
		}
	}
	return ""
}

// rootOf is the root here that ends so.
func (m *Importer) rootOf(end string) string {
	for _, root := range m.places {
		if strings.HasSuffix(root, end) {
			return root
		}
	}
	return ""
}

// gapID is that of a version which only keeps a number unused.
func gapID(model string, number int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "mlflow gap\n%s\n%d", model, number))
	return hex.EncodeToString(sum[:16])
}

// versionID is the same for a version however often it is imported.
func versionID(v registry.Version) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "mlflow\n%s\n%d\n%d\n%s", v.Model, v.Number, v.Created, v.RunID))
	return hex.EncodeToString(sum[:16])
}
