package local

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/fsx"
	"github.com/mlops-cli/mlops/pkg/mlproject"
)

// recipe is all that an environment is made of. Equal recipes share one.
type recipe struct {
	Manager     Manager           `json:"manager"`
	Interpreter string            `json:"interpreter,omitempty"` // path and version
	Python      mlproject.Python  `json:"python"`
	Files       map[string]string `json:"files,omitempty"` // contents of what the lines name
	Dir         string            `json:"dir,omitempty"`   // of the project, where its own code is installed
}

// recipeFile is written into an environment when it is whole.
const recipeFile = "mlops-env.json"

// add takes in the contents of requirements files, and of those that they name.
func (c *Checkout) add(r *recipe, base string, files []string) error {
	for _, name := range files {
		if filepath.IsAbs(name) || mlproject.IsURI(name) {
			continue
		}
		p := path.Join(base, filepath.ToSlash(name))
		if _, known := r.Files[p]; known {
			continue
		}
		text, err := c.read(p)
		if err != nil {
			return err
		}
		if r.Files == nil {
			r.Files = map[string]string{}
		}
		r.Files[p] = string(text)
		if err := c.add(r, path.Dir(p), mlproject.RequirementFiles(splitLines(text))); err != nil {
			return err
		}
	}
	return nil
}

// cached returns the directory of the environment that a recipe makes. When it is
// not there, fill makes it; one process at a time.
func cached(ctx context.Context, q EnvRequest, r recipe, fill func(dir string) error) (_ string, err error) {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	dir := filepath.Join(q.Cache, hex.EncodeToString(sum[:8]))
	if whole(dir) {
		return dir, nil
	}
	if err := os.MkdirAll(q.Cache, 0o777); err != nil {
		return "", fmt.Errorf("make the cache of environments: %w", err)
	}
	lock, err := fsx.LockFile(ctx, dir+".lock", fsx.Exclusive, "mlops run")
	for errs.Is(err, errs.Locked) && ctx.Err() == nil { // it takes minutes
		lock, err = fsx.LockFile(ctx, dir+".lock", fsx.Exclusive, "mlops run")
	}
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, lock.Unlock()) }()
	if whole(dir) { // somebody else made it meanwhile
		return dir, nil
	}
	if err := os.RemoveAll(dir); err != nil { // what a killed process left
		return "", err
	}
	q.Note("making the %s environment %s", r.Manager, dir)
	if err := fill(dir); err != nil {
		return "", errors.Join(errs.New(errs.KindOf(err), "make the %s environment: %w", r.Manager, err).Hint("or run the project in this machine's environment: --env-manager local"), os.RemoveAll(dir))
	}
	return dir, fsx.WriteFile(filepath.Join(dir, recipeFile), text, 0o666)
}

func whole(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, recipeFile))
	return !errors.Is(err, fs.ErrNotExist)
}
