package repo

import (
	"bufio"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/stagefile"
	"github.com/mlops-cli/mlops/pkg/tree"
)

// Snapshot is the files at a commit, or of the workspace: those that git or
// the directory has, then those that pointers and locks name, from the store.
// It is for one goroutine. Close ends the git process that serves it.
type Snapshot struct {
	// Fetch, unless it is nil, brings into the store what is tracked and not in
	// it: an object, or only what is at the path below a directory.
	Fetch func(ctx context.Context, dir Object, below string) error

	repo   *Repo
	commit string
	files  map[string]string // of a commit: path → git's id

	tracked []Tracked // read when a file is not in git
	known   bool
	dvc     *dvcCache // read when it is not in the store, either

	cat *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

// Snapshot opens the files at a commit, given by its id; "" is the workspace.
func (r *Repo) Snapshot(ctx context.Context, commit string) (*Snapshot, error) {
	s := &Snapshot{repo: r, commit: commit}
	if commit == "" {
		return s, nil
	}
	var err error
	s.files, err = r.git.files(ctx, commit, nil)
	return s, err
}

// Close ends what Read started.
func (s *Snapshot) Close() error {
	if s.cat == nil {
		return nil
	}
	cat := s.cat
	s.cat = nil
	return errors.Join(s.in.Close(), ignoreExit(cat.Wait()))
}

// Pipelines lists the pipeline files, one a directory.
func (s *Snapshot) Pipelines(ctx context.Context) ([]string, error) {
	if s.commit == "" {
		return s.repo.Pipelines(ctx, "")
	}
	var names []string
	for name := range s.files {
		if base := path.Base(name); base == stagefile.FileName || base == stagefile.DVCFileName {
			names = append(names, name)
		}
	}
	return choosePipelines(names), nil
}

// Tracked lists what pointers and locks name, sorted by path.
func (s *Snapshot) Tracked(ctx context.Context) ([]Tracked, error) {
	if s.known {
		return s.tracked, nil
	}
	var err error
	if s.commit == "" {
		s.tracked, err = s.repo.Tracked(ctx)
	} else {
		s.tracked, err = s.repo.TrackedAt(ctx, s.commit)
	}
	s.known = err == nil
	return s.tracked, err
}

// Read returns the file at a slash path; errs.NotFound when it is not there
// (then it is fs.ErrNotExist, too), or its object is not on this machine.
func (s *Snapshot) Read(ctx context.Context, name string) ([]byte, error) {
	data, err := s.own(ctx, name)
	if !errs.Is(err, errs.NotFound) {
		return data, err
	}
	if err := s.bring(ctx, name); err != nil {
		return nil, err
	}
	found, terr := s.object(ctx, name)
	if terr != nil {
		return nil, terr
	}
	if !found.ID.IsZero() {
		store, serr := s.repo.Store(ctx)
		if serr != nil {
			return nil, serr
		}
		if data, err = store.Get(ctx, found.ID); !errs.Is(err, errs.NotFound) {
			return data, err
		}
		err = errs.New(errs.NotFound, "%s is not in the store", name)
	}
	theirs, terr := s.dvcOuts(ctx)
	if terr != nil {
		return nil, terr
	}
	if _, _, ok := theirs.find(name); ok {
		return theirs.read(name)
	}
	return nil, err
}

// own reads what git or the directory itself has.
func (s *Snapshot) own(ctx context.Context, name string) ([]byte, error) {
	if s.commit != "" {
		id, ok := s.files[name]
		if !ok {
			return nil, absent{errs.New(errs.NotFound, "%s is not in revision %s", name, short(s.commit))}
		}
		return s.blob(ctx, name, id)
	}
	data, err := os.ReadFile(s.repo.Path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, absent{errs.New(errs.NotFound, "%s does not exist", name)}
	}
	return data, err
}

// absent is the error of a file that is not there; one that is, but not on this
// machine, is only errs.NotFound.
type absent struct{ error }

func (a absent) Unwrap() error { return a.error }

func (a absent) Is(target error) bool { return target == fs.ErrNotExist }

func short(commit string) string { return commit[:min(8, len(commit))] }

// object finds what a pointer or lock names at the path, or above it. It is
// zero when nothing does.
func (s *Snapshot) object(ctx context.Context, name string) (tree.Entry, error) {
	tracked, err := s.Tracked(ctx)
	if err != nil {
		return tree.Entry{}, err
	}
	for _, t := range tracked {
		if t.Path == name {
			return tree.Entry{ID: t.ID, Kind: t.Kind}, nil
		}
		below, ok := strings.CutPrefix(name, t.Path+"/")
		if !ok || t.Kind != tree.Dir {
			continue
		}
		store, err := s.repo.Store(ctx)
		if err != nil {
			return tree.Entry{}, err
		}
		e, err := tree.Lookup(ctx, store, t.ID, below)
		if errs.Is(err, errs.NotFound) {
			return tree.Entry{}, nil
		}
		return e, err
	}
	for _, t := range tracked {
		// At a commit, the working directory of DVC's stages is not known.
		if rest := strings.TrimPrefix(t.Path, path.Dir(t.Source)+"/"); t.Foreign && t.Stage != "" && strings.HasSuffix(name, "/"+rest) {
			return tree.Entry{ID: t.ID, Kind: t.Kind}, nil
		}
	}
	return tree.Entry{}, nil
}

// bring fetches what is tracked at the path. That nobody has it is said by who
// reads it.
func (s *Snapshot) bring(ctx context.Context, name string) error {
	if s.Fetch == nil {
		return nil
	}
	tracked, err := s.Tracked(ctx)
	if err != nil {
		return err
	}
	for _, t := range tracked {
		below, inside := strings.CutPrefix(name, t.Path+"/")
		if !t.Cached || !t.Push || t.Foreign || t.Path != name && (!inside || t.Kind != tree.Dir) {
			continue
		}
		if !inside {
			below = ""
		}
		if err := s.Fetch(ctx, t.Object, below); !errs.Is(err, errs.NotFound) {
			return err
		}
	}
	return nil
}

// List returns the files below a directory, sorted; nil when it is none.
func (s *Snapshot) List(ctx context.Context, dir string) ([]string, error) {
	var found []string
	if s.commit != "" {
		if _, file := s.files[dir]; file {
			return nil, nil
		}
		for name := range s.files {
			if strings.HasPrefix(name, dir+"/") {
				found = append(found, name)
			}
		}
	} else {
		root := s.repo.Path(dir)
		info, err := os.Stat(root)
		if err == nil && !info.IsDir() {
			return nil, nil
		}
		if err == nil {
			err := filepath.WalkDir(root, func(p string, e fs.DirEntry, err error) error {
				if err == nil && !e.IsDir() {
					rel, rerr := filepath.Rel(root, p)
					found, err = append(found, path.Join(dir, filepath.ToSlash(rel))), rerr
				}
				return err
			})
			if err != nil {
				return nil, errs.New(errs.Internal, "list %s: %w", dir, err)
			}
		}
	}
	if len(found) == 0 {
		theirs, err := s.dvcOuts(ctx)
		if err != nil {
			return nil, err
		}
		if found, err = theirs.list(dir); err != nil || found != nil {
			return found, err
		}
		if err := s.bring(ctx, dir); err != nil {
			return nil, err
		}
		e, err := s.object(ctx, dir)
		if err != nil || e.Kind != tree.Dir || e.ID.IsZero() {
			return nil, err
		}
		store, err := s.repo.Store(ctx)
		if err != nil {
			return nil, err
		}
		err = tree.Walk(ctx, store, e.ID, func(p string, e tree.Entry) error {
			if e.Kind != tree.Dir {
				found = append(found, path.Join(dir, p))
			}
			return nil
		})
		if errs.Is(err, errs.NotFound) { // its tree is not on this machine
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
	}
	slices.Sort(found)
	return found, nil
}

// blob asks the git process, which is started when first needed.
func (s *Snapshot) blob(ctx context.Context, name, id string) ([]byte, error) {
	if s.cat == nil {
		c, err := s.repo.git.command(ctx, "cat-file", "--batch")
		if err != nil {
			return nil, err
		}
		in, err := c.StdinPipe()
		if err != nil {
			return nil, err
		}
		out, err := c.StdoutPipe()
		if err != nil {
			return nil, err
		}
		if err := c.Start(); err != nil {
			return nil, explainGit(ctx, "cat-file", err)
		}
		s.cat, s.in, s.out = c, in, bufio.NewReaderSize(out, 1<<16)
	}
	if _, err := io.WriteString(s.in, id+"\n"); err != nil {
		return nil, errs.New(errs.Internal, "ask git for %s: %w", name, err)
	}
	var data []byte
	err := readBatch(s.out, []string{name}, func(_ string, b []byte) error {
		data = b
		return nil
	})
	return data, err
}
