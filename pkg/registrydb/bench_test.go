package registrydb_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/mlops-cli/mlops/pkg/clock"
	"github.com/mlops-cli/mlops/pkg/db"
	"github.com/mlops-cli/mlops/pkg/registry"
	"github.com/mlops-cli/mlops/pkg/registrydb"
	"github.com/mlops-cli/mlops/pkg/track"
)

// BenchmarkRegistry works on 200 models with 50 versions each.
func BenchmarkRegistry(b *testing.B) {
	migrations, err := db.Index()
	if err != nil {
		b.Fatal(err)
	}
	d, err := db.Open(b.Context(), filepath.Join(b.TempDir(), "index.db"), db.Options{Migrations: migrations})
	if err != nil {
		b.Fatal(err)
	}
	defer d.Close()
	ctx, s := b.Context(), registrydb.New(d, clock.System{})
	for i := range 200 {
		name := fmt.Sprintf("model-%03d", i)
		if _, err := s.CreateModel(ctx, registry.Model{Name: name, Tags: []registry.Tag{{Key: "team", Value: fmt.Sprint(i % 7)}}}); err != nil {
			b.Fatal(err)
		}
		for range 50 {
			if _, err := s.CreateVersion(ctx, registry.Version{Model: name, Source: "s3://x"}); err != nil {
				b.Fatal(err)
			}
		}
	}
	each := func(name string, fn func() error) {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if err := fn(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	each("model", func() error { _, err := s.Model(ctx, "model-100"); return err })
	each("version", func() error { _, err := s.Version(ctx, "model-100", 25); return err })
	each("models", func() error { _, err := s.Models(ctx, registry.Query{Limit: 100}); return err })
	each("models by tag", func() error {
		_, err := s.Models(ctx, registry.Query{Limit: 100, Filter: track.Filter{{Entity: track.Tags, Key: "team", Op: track.Equal, Text: "3"}}})
		return err
	})
	each("versions", func() error { _, err := s.Versions(ctx, registry.Query{Limit: 100, Bare: true}); return err })
	each("versions of one", func() error {
		_, err := s.Versions(ctx, registry.Query{Filter: track.Filter{{Entity: track.Attributes, Key: "name", Op: track.Equal, Text: "model-100"}}})
		return err
	})
	each("exports", func() error { _, err := s.Exports(ctx); return err })
	each("create version", func() error {
		_, err := s.CreateVersion(ctx, registry.Version{Model: "model-007"})
		return err
	})
}
