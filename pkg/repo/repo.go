package repo

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"

	"github.com/mlops-cli/mlops/pkg/db"
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/store"
)

// Format is the version of what is in .mlops that this program writes.
const Format = 1

// Names below the root.
const (
	Dir          = ".mlops"            // what mlops keeps
	ConfigFile   = "config.yaml"       // in Dir and in git
	LocalFile    = "config.local.yaml" // in Dir, this machine only
	IgnoreFile   = ".mlopsignore"
	PointerExt   = ".mlops"
	indexName    = "index.db"
	cacheName    = "cache.db"
	tmpName      = "tmp"
	gitDirectory = ".git"
)

// Repo is an open repository. Its methods may be called from many goroutines.
type Repo struct {
	Root   string // absolute path of the file system
	Config Config // filled by who opened the repository
	// Foreign reads what DVC tracks; nil: its files say nothing.
	Foreign Foreign

	git    Git
	home   string // of a copy: the .mlops that it shares
	shared *Repo  // of a copy that was opened from it: store and index are its

	mu    sync.Mutex
	store *store.Store
	index *db.DB
	cache *db.DB
}

// Find opens the repository that holds dir: in dir or the nearest directory
// above. Where there is none the error is errs.NotARepository.
func Find(_ context.Context, dir string) (*Repo, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	root, ok := above(abs, Dir)
	if !ok {
		err := errs.New(errs.NotARepository, "%s is not in an mlops repository", abs)
		if dvc, ok := above(abs, ".dvc"); ok {
			return nil, err.Hint("%s is a DVC project, take it over: mlops import dvc", dvc)
		}
		return nil, err.Hint("make one here: mlops init")
	}
	return open(root)
}

// open reads as much of the repository's settings as says whether this program
// may touch it.
func open(root string) (*Repo, error) {
	file := filepath.Join(root, Dir, ConfigFile)
	text, err := os.ReadFile(file)
	if _, ierr := os.Stat(filepath.Join(root, Dir, indexName)); errors.Is(err, fs.ErrNotExist) && ierr == nil {
		// A commit is checked out that mlops was not there yet: what this machine keeps is.
		text, err = defaultConfig(), nil
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errs.New(errs.NotARepository, "%s has no %s", filepath.Join(root, Dir), ConfigFile).
			Hint("take it from git (git checkout -- %s/%s), or make it again: mlops init", Dir, ConfigFile)
	}
	if err != nil {
		return nil, errs.New(errs.Internal, "open repository: %w", err)
	}
	head := struct {
		Format int `yaml:"format"`
		Core   struct {
			Git *bool `yaml:"git"`
		} `yaml:"core"`
	}{}
	if err := yaml.Unmarshal(text, &head); err != nil {
		return nil, errs.New(errs.Usage, "read %s: %w", file, err)
	}
	switch {
	case head.Format > Format:
		return nil, errs.New(errs.Usage, "%s has format %d, this program knows up to %d", filepath.Join(root, Dir), head.Format, Format).
			Hint("use a newer mlops")
	case head.Format < 1:
		return nil, errs.New(errs.Usage, "%s says no format", file).Hint("add the line 'format: %d' to it", Format)
	}
	r := &Repo{Root: root}
	if r.home, err = readHome(root); err != nil {
		return nil, err
	}
	r.Config.Format = head.Format
	if head.Core.Git == nil || *head.Core.Git {
		if _, ok := above(root, gitDirectory); ok {
			r.git = Git{dir: root}
		}
	}
	return r, nil
}

// above returns dir, or the nearest directory above it, that holds name.
func above(dir, name string) (string, bool) {
	for {
		if info, err := os.Lstat(filepath.Join(dir, name)); err == nil && (info.IsDir() || name == gitDirectory) {
			return dir, true
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", false
		}
		dir = up
	}
}

// Git is the git repository around this one; its zero value when there is none.
func (r *Repo) Git() Git { return r.git }

// Path turns a slash path relative to the root into one of the file system.
func (r *Repo) Path(slash string) string { return filepath.Join(r.Root, filepath.FromSlash(slash)) }

// MetaDir is the file system's path of the .mlops with the store and the index.
func (r *Repo) MetaDir() string { return cmp.Or(r.home, r.localDir()) }

// TmpDir is a directory for temporary files on the file system of the store.
// It is made when missing.
func (r *Repo) TmpDir() (string, error) {
	dir := filepath.Join(r.MetaDir(), tmpName)
	return dir, os.MkdirAll(dir, 0o777)
}

// Rel turns a path as typed in the directory dir into a slash path relative to
// the root. A path outside of the repository is errs.Usage.
func (r *Repo) Rel(dir, typed string) (string, error) {
	full := filepath.FromSlash(typed)
	if !filepath.IsAbs(full) {
		full = filepath.Join(dir, full)
	}
	full, err := filepath.Abs(full)
	if err != nil {
		return "", err
	}
	for _, root := range []string{r.Root, realPath(r.Root)} {
		rel, err := filepath.Rel(root, full)
		if err == nil && filepath.IsLocal(rel) {
			return filepath.ToSlash(rel), nil
		}
	}
	// The path may lead here through a link: compare with the links resolved.
	rel, err := filepath.Rel(realPath(r.Root), filepath.Join(realPath(filepath.Dir(full)), filepath.Base(full)))
	if err != nil || !filepath.IsLocal(rel) {
		return "", errs.New(errs.Usage, "%s is outside of the repository %s", typed, r.Root).
			Hint("copy or move it into the repository first")
	}
	return filepath.ToSlash(rel), nil
}

func realPath(p string) string {
	if real, err := filepath.EvalSymlinks(p); err == nil {
		return real
	}
	return p
}

// Internal reports whether a slash path is .git or .mlops, or below one.
func Internal(slash string) bool {
	for part := range strings.SplitSeq(slash, "/") {
		if part == Dir || part == gitDirectory {
			return true
		}
	}
	return false
}

// Store opens the objects of this repository on first use.
func (r *Repo) Store(ctx context.Context) (*store.Store, error) {
	if r.shared != nil {
		return r.shared.Store(ctx)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.store == nil {
		s, err := store.Open(ctx, r.MetaDir(), store.Options{})
		if err != nil {
			return nil, err
		}
		r.store = s
	}
	return r.store, nil
}

// Index opens index.db on first use: runs, events, what stages made.
func (r *Repo) Index(ctx context.Context) (*db.DB, error) {
	if r.shared != nil {
		return r.shared.Index(ctx)
	}
	migrations, err := db.Index()
	if err != nil {
		return nil, err
	}
	return r.database(ctx, &r.index, filepath.Join(r.MetaDir(), indexName), db.Options{Migrations: migrations})
}

// Cache opens cache.db on first use: what can be derived again.
func (r *Repo) Cache(ctx context.Context) (*db.DB, error) {
	migrations, err := db.Cache()
	if err != nil {
		return nil, err
	}
	return r.database(ctx, &r.cache, filepath.Join(r.localDir(), cacheName), db.Options{Migrations: migrations, Derived: true, Fleeting: r.IsCopy()})
}

func (r *Repo) database(ctx context.Context, at **db.DB, file string, o db.Options) (*db.DB, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if *at == nil {
		d, err := db.Open(ctx, file, o)
		if err != nil {
			return nil, err
		}
		*at = d
	}
	return *at, nil
}

// HasCache reports whether cache.db is there, without making it.
func (r *Repo) HasCache() bool {
	_, err := os.Stat(filepath.Join(r.localDir(), cacheName))
	return err == nil
}

// ForgetSaved makes the stat cache forget which of the files that it knows are
// in the store. It must be called, and must succeed, before objects are removed.
func (r *Repo) ForgetSaved(ctx context.Context) error {
	if err := r.forgetCopies(); err != nil {
		return err
	}
	if !r.HasCache() {
		return nil
	}
	cache, err := r.Cache(ctx)
	if err != nil {
		return err
	}
	if _, err := cache.ExecContext(ctx, "UPDATE stat SET saved = 0 WHERE saved <> 0"); err != nil {
		return errs.New(errs.Internal, "stat cache: %w", err)
	}
	return nil
}

// Close closes what was opened.
func (r *Repo) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []error
	if r.store != nil {
		all = append(all, r.store.Close())
	}
	for _, d := range []*db.DB{r.index, r.cache} {
		if d != nil {
			all = append(all, d.Close())
		}
	}
	r.store, r.index, r.cache = nil, nil, nil
	return errors.Join(all...)
}
