package migrate

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"

	"golang.org/x/sync/errgroup"

	"github.com/mlops-cli/mlops/pkg/dvc"
	"github.com/mlops-cli/mlops/pkg/ignore"
)

// sumUp is the sum of what stands at a path of the repository. Files that were
// read just now, while they were stored, are not read again.
func (r *Reader) sumUp(ctx context.Context, p, algorithm string) (dvc.Sum, dvc.Manifest, error) {
	known := func(rel string) string {
		if algorithm != dvc.MD5 {
			return ""
		}
		return r.read[path.Join(p, rel)]
	}
	return sumUpKnown(ctx, r.repo.Path(p), algorithm, known)
}

// sumUp reads what stands at a path of the file system and returns its sum, and
// of a directory the manifest. Files that .dvcignore excludes do not count.
func sumUp(ctx context.Context, full, algorithm string) (dvc.Sum, dvc.Manifest, error) {
	return sumUpKnown(ctx, full, algorithm, func(string) string { return "" })
}

func sumUpKnown(ctx context.Context, full, algorithm string, known func(rel string) string) (dvc.Sum, dvc.Manifest, error) {
	info, err := os.Stat(full)
	if err != nil {
		return dvc.Sum{}, nil, err
	}
	if digits := known(""); !info.IsDir() && digits != "" {
		return dvc.Sum{Algorithm: algorithm, Hex: digits}, nil, nil
	}
	if !info.IsDir() {
		sum, err := sumFile(full, algorithm)
		return sum, nil, err
	}
	var manifest dvc.Manifest
	err = filesBelow(ctx, full, func(rel string) { manifest = append(manifest, dvc.File{Path: rel, Hex: known(rel)}) })
	if err != nil {
		return dvc.Sum{}, nil, err
	}
	g, ctx := errgroup.WithContext(ctx)
	const chunk = 256
	g.SetLimit(2 * runtime.GOMAXPROCS(0))
	for from := 0; from < len(manifest); from += chunk {
		some := manifest[from:min(len(manifest), from+chunk)]
		g.Go(func() error {
			for i := range some {
				if err := ctx.Err(); err != nil {
					return err
				}
				if some[i].Hex != "" {
					continue
				}
				sum, err := sumFile(filepath.Join(full, filepath.FromSlash(some[i].Path)), algorithm)
				if err != nil {
					return err
				}
				some[i].Hex = sum.Hex
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return dvc.Sum{}, nil, err
	}
	_, sum := manifest.Encode(algorithm)
	return sum, manifest, nil
}

func sumFile(full, algorithm string) (sum dvc.Sum, err error) {
	f, err := os.Open(full)
	if err != nil {
		return sum, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return dvc.SumOf(algorithm, f)
}

// filesBelow calls fn for each file below a directory, by its slash path.
func filesBelow(ctx context.Context, root string, fn func(rel string)) error {
	match := ignore.New()
	var walk func(rel string) error
	walk = func(rel string) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		entries, err := os.ReadDir(filepath.Join(root, filepath.FromSlash(rel)))
		if err != nil {
			return err
		}
		for _, e := range entries {
			if e.Name() == dvc.IgnoreFile {
				text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(rel), e.Name()))
				if err != nil {
					return err
				}
				match.Add(path.Clean(rel), text)
			}
		}
		for _, e := range entries {
			at := path.Join(rel, e.Name())
			isDir := e.IsDir()
			if e.Type()&fs.ModeSymlink != 0 {
				info, err := os.Stat(filepath.Join(root, filepath.FromSlash(at)))
				if err != nil || info.IsDir() {
					continue
				}
			}
			if !match.Empty() && match.Match(at, isDir) {
				continue
			}
			if isDir {
				if err := walk(at); err != nil {
					return err
				}
				continue
			}
			fn(at)
		}
		return nil
	}
	return walk(".")
}
