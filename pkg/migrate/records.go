package migrate

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mlops-cli/mlops/pkg/dvc"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/stagefile"
	"github.com/mlops-cli/mlops/pkg/tree"
)

// Records translates what a dvc.lock says of stages of one pipeline file, by
// their names. Those that it does not know are left out.
func (r *Reader) Records(ctx context.Context, lock string, stages []*stagefile.Stage) (map[string]stagefile.Record, error) {
	file := path.Join(path.Dir(lock), dvc.LockName)
	text, err := os.ReadFile(r.repo.Path(file))
	if err != nil {
		if os.IsNotExist(err) {
			return nil, nil
		}
		return nil, fmt.Errorf("read lock: %w", err)
	}
	parsed, err := dvc.ParseLock(file, text)
	if err != nil {
		return nil, broken(file, err)
	}
	byName := make(map[string]dvc.Stage, len(parsed.Stages))
	for _, s := range parsed.Stages {
		byName[s.Name] = s
	}
	var todo []entry
	for _, s := range stages {
		if theirs, ok := byName[s.Name]; ok {
			todo = append(todo, entry{s, theirs})
		}
	}
	records, err := r.translate(ctx, todo, file)
	if err != nil {
		return nil, err
	}
	out := make(map[string]stagefile.Record, len(records))
	for i := range records {
		out[records[i].Stage] = records[i]
	}
	return out, nil
}

// entry is a stage and what DVC recorded of it.
type entry struct {
	stage *stagefile.Stage
	dvc   dvc.Stage
}

// translate makes records of entries, in their order. Fingerprints are left to
// the pipeline.
func (r *Reader) translate(ctx context.Context, entries []entry, from string) ([]stagefile.Record, error) {
	var wants []want
	at := func(s *stagefile.Stage, p string) string {
		if stagefile.IsExternal(p) {
			return p
		}
		return path.Join(s.Wdir, p)
	}
	for _, e := range entries {
		for _, d := range slices.Concat(e.dvc.Deps, e.dvc.Outs) {
			wants = append(wants, want{path: at(e.stage, d.Path), Out: d, from: from, stage: e.stage.Name})
		}
	}
	objects, err := r.resolve(ctx, wants)
	if err != nil {
		return nil, err
	}
	records := make([]stagefile.Record, len(entries))
	for i, e := range entries {
		rec := stagefile.Record{Stage: e.stage.Name, Cmd: commands(e.dvc), Params: map[string]map[string]any{}}
		seen := map[string]bool{} // what a stage names twice, its lock has twice
		for _, d := range e.dvc.Deps {
			a := r.asset(objects[0], at(e.stage, d.Path), d)
			if objects[0].known {
				a.Alias = placeholder(d.Sum)
			}
			objects = objects[1:]
			if !seen[a.Path] {
				seen[a.Path], rec.Deps = true, append(rec.Deps, a)
			}
		}
		for _, o := range e.dvc.Outs {
			a := r.asset(objects[0], at(e.stage, o.Path), o)
			for _, declared := range e.stage.Outs {
				if declared.Path == a.Path {
					a.NoCache, a.NoPush = declared.NoCache, declared.NoPush
				}
			}
			rec.Outs, objects = append(rec.Outs, a), objects[1:]
		}
		for file, values := range e.dvc.Params {
			rec.Params[at(e.stage, file)] = values
		}
		if len(rec.Params) == 0 {
			rec.Params = nil
		}
		records[i] = rec
	}
	return records, nil
}

// asset is what a dependency or out of a lock turned out to be.
func (r *Reader) asset(f found, p string, o dvc.Out) stagefile.Asset {
	if outside(p) && !strings.Contains(p, "://") {
		return r.outsideAsset(p, o, f)
	}
	a := stagefile.Asset{Path: p, Kind: stagefile.KindFile, ID: f.ID, Size: f.Size, Files: f.Files}
	switch {
	case strings.HasPrefix(p, stagefile.DatasetScheme):
		return stagefile.DatasetAsset(strings.TrimPrefix(p, stagefile.DatasetScheme), o.Dataset)
	case strings.Contains(p, "://"):
		return stagefile.URLAsset(p, o.Size, "etag "+etag(p, o.Etag))
	case f.Kind == tree.Dir:
		a.Kind = stagefile.KindDir
	case f.Exec:
		a.Kind = stagefile.KindExec
	}
	return a
}

// etag is the tag of an object as its service says it; DVC writes that of S3
// without quotes and that of Google in hexadecimal digits.
func etag(url, written string) string {
	switch scheme, _, _ := strings.Cut(url, "://"); scheme {
	case "s3":
		return `"` + written + `"`
	case "gs":
		if raw, err := hex.DecodeString(written); err == nil {
			return base64.StdEncoding.EncodeToString(raw)
		}
	}
	return written
}

// outsideAsset reads a file that is not below the root: nothing of it is
// remembered.
func (r *Reader) outsideAsset(p string, o dvc.Out, f found) stagefile.Asset {
	a := stagefile.Asset{Path: p, Kind: stagefile.KindFile, ID: f.ID, Size: o.Size, Files: 1}
	full := filepath.FromSlash(p)
	if !filepath.IsAbs(full) {
		full = filepath.Join(r.repo.Root, full)
	}
	text, err := os.Open(full)
	if err != nil {
		return a // it is not what it was: there is nothing
	}
	id := oid.NewHash()
	sum, err := dvc.SumOf(cmp.Or(o.Sum.Algorithm, dvc.MD5), io.TeeReader(text, id))
	if err = errors.Join(err, text.Close()); err == nil && sum == o.Sum {
		a.ID = oid.FromHash(id)
	}
	return a
}

// commands are those of an entry one by one, as the records of stages have them.
func commands(s dvc.Stage) []string {
	if s.IsList {
		return s.Cmd
	}
	var out []string
	for _, text := range s.Cmd {
		for line := range strings.Lines(text) {
			if line = strings.TrimSpace(line); line != "" {
				out = append(out, line)
			}
		}
	}
	return out
}
