package mlruns

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/remote"
)

// File is a file of a run or a logged model.
type File struct {
	Path string // slash path below the root of its files
	Size int64  // bytes
	Name string // of the file on this machine, "" when it is elsewhere
	Open func(ctx context.Context) (io.ReadCloser, error)
}

// Files are the files at a place.
type Files interface {
	// Walk calls fn for each file, in no order.
	Walk(ctx context.Context, fn func(File) error) error
}

// OpenBucket opens a bucket by its URL; the source closes it.
type OpenBucket func(ctx context.Context, url string) (remote.Bucket, error)

// noFiles is a place without any.
type noFiles struct{}

// Walk has nothing to call.
func (noFiles) Walk(context.Context, func(File) error) error { return nil }

// directory is a place on this machine.
type directory string

// Walk implements Files. Links are followed where they lead to files.
func (d directory) Walk(ctx context.Context, fn func(File) error) error {
	return filepath.WalkDir(string(d), func(name string, _ fs.DirEntry, err error) error {
		if err = errors.Join(err, ctx.Err()); err != nil {
			return err
		}
		info, err := os.Stat(name)
		if err != nil || !info.Mode().IsRegular() {
			return err
		}
		rel, err := filepath.Rel(string(d), name)
		if err != nil {
			return err
		}
		return fn(File{Path: filepath.ToSlash(rel), Size: info.Size(), Name: name, Open: func(context.Context) (io.ReadCloser, error) { return os.Open(name) }})
	})
}

// bucketFiles is a place in a bucket.
type bucketFiles struct {
	*bucket
	prefix string // "" or with a slash at its end
}

// bucket is a connection that gives up: one that could not list its first place
// would not list the next thousands either.
type bucket struct {
	remote.Bucket
	mu     sync.Mutex
	listed bool
	failed error
}

// list returns a page of objects.
func (b *bucket) list(ctx context.Context, prefix, token string) ([]remote.Object, string, error) {
	b.mu.Lock()
	failed := b.failed
	b.mu.Unlock()
	if failed != nil {
		return nil, "", failed
	}
	page, next, err := b.List(ctx, prefix, token)
	b.mu.Lock()
	defer b.mu.Unlock()
	if err == nil {
		b.listed = true
	} else if !b.listed && ctx.Err() == nil {
		b.failed = err
	}
	return page, next, err
}

// Walk implements Files.
func (b bucketFiles) Walk(ctx context.Context, fn func(File) error) error {
	for token := ""; ; {
		page, next, err := b.list(ctx, b.prefix, token)
		if err != nil {
			return err
		}
		for _, o := range page {
			p := strings.TrimPrefix(o.Key, b.prefix)
			if p == "" || strings.HasSuffix(p, "/") {
				continue
			}
			if err := fn(File{Path: p, Size: o.Size, Open: func(ctx context.Context) (io.ReadCloser, error) { return b.Get(ctx, o.Key, 0, -1) }}); err != nil {
				return err
			}
		}
		if token = next; token == "" {
			return nil
		}
	}
}

// places finds the files of sources that are no servers.
type places struct {
	home    string // the directory that holds the source
	options OpenOptions

	mu      sync.Mutex
	buckets map[string]*bucket
}

func newPlaces(home string, o OpenOptions) *places {
	return &places{home: home, options: o, buckets: map[string]*bucket{}}
}

func (p *places) close() error {
	var all []error
	for _, b := range p.buckets {
		all = append(all, b.Close())
	}
	return errors.Join(all...)
}

// open finds the files at a URI. Also is where else on this machine they may be:
// folders are moved, and their files name where they were.
func (p *places) open(ctx context.Context, uri string, also ...string) (Files, error) {
	scheme, rest, ok := strings.Cut(uri, ":")
	if !ok || len(scheme) < 2 { // a drive letter is no scheme
		scheme, rest = "file", uri
	}
	switch scheme {
	case "file":
		return p.local(uri, also)
	case "mlflow-artifacts":
		if u, err := url.Parse(uri); err == nil {
			rest = u.Path
		}
		rest = strings.Trim(rest, "/")
		if rest == "" || !filepath.IsLocal(filepath.FromSlash(rest)) {
			return nil, errs.New(errs.Usage, "%s is not a place of files", uri)
		}
		return p.proxied(ctx, uri, rest, also)
	case "s3", "gs", "azblob":
		return p.inBucket(ctx, uri)
	default:
		return nil, errs.New(errs.NotFound, "files at %s cannot be read: %s is not known here", uri, scheme).
			Hint("name a copy of them with --artifacts, or import from a running MLflow server")
	}
}

// local finds a directory: where it should be, or where the source is now.
func (p *places) local(uri string, also []string) (Files, error) {
	dir := localPath(uri)
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(p.home, dir)
	}
	tries := append([]string{dir}, also...)
	// What stood beside the source moved with it: the last parts of the path tell.
	parts := strings.Split(strings.Trim(filepath.ToSlash(dir), "/"), "/")
	for n := min(6, len(parts)); n >= 3; n-- {
		end := filepath.FromSlash(path.Join(parts[len(parts)-n:]...))
		tries = append(tries, filepath.Join(p.home, end))
		if a := p.options.Artifacts; a != "" && !strings.Contains(a, "://") {
			tries = append(tries, filepath.Join(a, end))
		}
	}
	for _, try := range tries {
		if info, err := os.Stat(try); err == nil && info.IsDir() {
			return directory(try), nil
		}
	}
	// MLflow makes the directory with the first file: where that of the
	// experiment is, there were none.
	parents := slices.Clone(also)
	for _, try := range tries {
		parents = append(parents, filepath.Dir(try))
	}
	for _, parent := range parents {
		if _, err := os.Stat(filepath.Dir(parent)); err == nil {
			return noFiles{}, nil
		}
	}
	return nil, errs.New(errs.NotFound, "files at %s are not on this machine", uri).Hint("name the directory that holds them now: --artifacts DIR")
}

// proxied finds what a server kept for its clients.
func (p *places) proxied(ctx context.Context, uri, below string, also []string) (Files, error) {
	root := p.options.Artifacts
	if strings.Contains(root, "://") {
		address, options, _ := strings.Cut(root, "?")
		return p.inBucket(ctx, strings.TrimRight(address, "/")+"/"+below+"?"+options)
	}
	tries := also
	roots := []string{filepath.Join(p.home, "mlartifacts"), filepath.Join(p.home, "..", "mlartifacts")}
	if root != "" {
		roots = []string{root}
	}
	for _, r := range roots {
		tries = append(tries, filepath.Join(r, filepath.FromSlash(below)))
	}
	for _, try := range tries {
		if info, err := os.Stat(try); err == nil && info.IsDir() {
			return directory(try), nil
		}
	}
	for _, r := range roots {
		if info, err := os.Stat(r); err == nil && info.IsDir() {
			return noFiles{}, nil
		}
	}
	return nil, errs.New(errs.NotFound, "files at %s: it is not known where the server keeps them", uri).
		Hint("name what its --artifacts-destination was: --artifacts DIR, or --artifacts s3://…")
}

// inBucket finds what is in a bucket. What follows ? says how it is reached, and is
// that of --artifacts where a URI of MLflow means the same bucket.
func (p *places) inBucket(ctx context.Context, uri string) (bucketFiles, error) {
	u, err := url.Parse(uri)
	if err != nil {
		return bucketFiles{}, errs.New(errs.Usage, "%s: %w", uri, err)
	}
	if named, err := url.Parse(p.options.Artifacts); err == nil && u.RawQuery == "" && named.Scheme == u.Scheme && named.Host == u.Host {
		u.RawQuery = named.RawQuery
	}
	prefix := strings.Trim(u.Path, "/")
	if prefix != "" {
		prefix += "/"
	}
	u.Path, u.RawPath, u.ForceQuery = "", "", false
	at := u.String()
	p.mu.Lock()
	defer p.mu.Unlock()
	b, known := p.buckets[at]
	if !known {
		conn, err := p.options.Bucket(ctx, at)
		if err != nil {
			return bucketFiles{}, err
		}
		b = &bucket{Bucket: conn}
		p.buckets[at] = b
	}
	return bucketFiles{b, prefix}, nil
}
