package archive

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/store"
	"github.com/mlops-cli/mlops/pkg/track"
	"github.com/mlops-cli/mlops/pkg/tree"
)

// The names of what is in an archive.
const (
	headName   = "mlops-runs"
	headText   = "mlops runs, format 1\n"
	objectsDir = "objects/"
	treesDir   = "trees/"
	runsDir    = "runs/"
)

// Runs is what an archive is made of and goes into.
type Runs interface {
	Run(ctx context.Context, id string) (track.Run, error)
	// Record returns the canonical bytes of a finished run.
	Record(ctx context.Context, id string) ([]byte, error)
	// Import takes in records and says how many runs were not known.
	Import(ctx context.Context, records ...[]byte) (added int, err error)
}

// Written counts what Write wrote.
type Written struct {
	Runs    int      `json:"runs"`
	Objects int64    `json:"objects"`
	Bytes   int64    `json:"bytes"`   // of the objects
	Missing []string `json:"missing"` // paths whose objects are not on this machine
}

// Write writes finished runs and the objects that they kept: artifacts, models
// and logs, and with data also what they read and wrote. Equal runs give equal
// bytes.
func Write(ctx context.Context, out io.Writer, st *store.Store, runs Runs, ids []string, data bool) (Written, error) {
	w := writer{out: tar.NewWriter(out), store: st, seen: map[oid.ID]bool{}, done: Written{Missing: []string{}}}
	if err := w.entry(headName, int64(len(headText)), bytes.NewReader([]byte(headText))); err != nil {
		return w.done, err
	}
	for _, id := range ids {
		run, err := runs.Run(ctx, id)
		if err != nil {
			return w.done, err
		}
		if err := w.objects(ctx, &run, data); err != nil {
			return w.done, err
		}
		record, err := runs.Record(ctx, id)
		if err != nil {
			return w.done, err
		}
		if err := w.entry(runsDir+id+".json", int64(len(record)), bytes.NewReader(record)); err != nil {
			return w.done, err
		}
		w.done.Runs++
	}
	return w.done, w.out.Close()
}

type writer struct {
	out   *tar.Writer
	store *store.Store
	seen  map[oid.ID]bool
	done  Written
}

func (w *writer) entry(name string, size int64, content io.Reader) error {
	if err := w.out.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o444}); err != nil {
		return err
	}
	_, err := io.Copy(w.out, content)
	return err
}

// objects writes what a run kept.
func (w *writer) objects(ctx context.Context, run *track.Run, data bool) error {
	for _, s := range run.Stages {
		if !s.Log.IsZero() {
			if err := w.asset(ctx, run, track.Artifact, "log of "+s.Name, s.Log, false); err != nil {
				return err
			}
		}
	}
	for _, a := range run.Assets {
		if data || a.Role == track.Artifact || a.Role == track.Model {
			if err := w.asset(ctx, run, a.Role, a.Path, a.ID, a.Kind == tree.Dir.String()); err != nil {
				return err
			}
		}
	}
	return nil
}

// part is an object or a node.
type part struct {
	id   oid.ID
	node bool
}

// asset writes an object, or a directory if all of it is here: a node must
// never be anywhere without what it names.
func (w *writer) asset(ctx context.Context, run *track.Run, role track.Role, path string, id oid.ID, dir bool) error {
	parts := []part{{id: id}}
	var err error
	if dir {
		parts = nil
		found := map[oid.ID]bool{}
		err = tree.Nodes(ctx, w.store, id, func(id oid.ID) bool { return w.seen[id] || found[id] }, func(id oid.ID, node bool, _ int64) error {
			found[id] = true
			parts = append(parts, part{id, node})
			return nil
		})
	}
	for _, p := range parts {
		if err == nil && !w.store.Has(p.id) {
			err = errs.New(errs.NotFound, "object %s is not here", p.id)
		}
	}
	if errs.Is(err, errs.NotFound) {
		if role != track.Input { // of inputs, code is git's
			w.done.Missing = append(w.done.Missing, run.Name+": "+path)
		}
		return nil
	}
	if err != nil {
		return err
	}
	// What is named comes before what names it.
	for _, p := range slices.Backward(parts) {
		if err := w.part(ctx, p); err != nil {
			return fmt.Errorf("%s of run %s: %w", path, run.Name, err)
		}
	}
	return nil
}

func (w *writer) part(ctx context.Context, p part) error {
	if w.seen[p.id] {
		return nil
	}
	w.seen[p.id] = true
	if p.node {
		text, err := w.store.Tree(ctx, p.id)
		if err != nil {
			return err
		}
		return w.entry(treesDir+p.id.String(), int64(len(text)), bytes.NewReader(text))
	}
	info, err := w.store.Stat(p.id)
	if err != nil {
		return err
	}
	content, err := w.store.Open(ctx, p.id)
	if err != nil {
		return err
	}
	w.done.Objects++
	w.done.Bytes += info.Size
	return errors.Join(w.entry(objectsDir+p.id.String(), info.Size, content), content.Close())
}
