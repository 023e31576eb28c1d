package doctor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/fsx"
	"github.com/mlops-cli/mlops/pkg/remote"
	"github.com/mlops-cli/mlops/pkg/repo"
)

// Machine looks at the programs that mlops calls.
func Machine(ctx context.Context) []Finding {
	return []Finding{git(ctx), python(ctx)}
}

// git must know 'cat-file --batch' with the options we use.
func git(ctx context.Context) Finding {
	const name = "git"
	out, err := exec.CommandContext(ctx, "git", "--version").Output()
	if err != nil {
		return Finding{name, Warning, fmt.Sprintf("git --version: %v", err), "install git, or work without it: mlops init --no-git"}
	}
	version := strings.TrimSpace(string(out))
	part := regexp.MustCompile(`(\d+)\.(\d+)`).FindStringSubmatch(version)
	if part == nil {
		return fine(name, "%s", version)
	}
	major, err := strconv.Atoi(part[1])
	minor, err2 := strconv.Atoi(part[2])
	if err := errors.Join(err, err2); err != nil {
		return Wrong(name, Warning, err)
	}
	if major < 2 || major == 2 && minor < 20 {
		return Finding{name, Warning, version + " is older than 2.20", "install a newer git"}
	}
	return fine(name, "%s", version)
}

// python is only needed by what people run in stages, and by the demo.
func python(ctx context.Context) Finding {
	out, err := exec.CommandContext(ctx, "python3", "--version").Output()
	if err != nil {
		return Finding{"python3", Warning, fmt.Sprintf("python3 --version: %v", err), "'mlops demo' needs Python 3; nothing else of mlops does"}
	}
	return fine("python3", "%s", strings.TrimSpace(string(out)))
}

// links tries how workspace files can be made from objects here.
func links(r *repo.Repo) (f Finding) {
	const name = "links"
	dir, remove, err := scratch(r)
	if err != nil {
		return Wrong(name, Problem, err)
	}
	defer func() {
		if err := remove(); err != nil {
			f = Wrong(name, Warning, err)
		}
	}()
	from := filepath.Join(dir, "from")
	if err := fsx.WriteFile(from, []byte("x"), 0o644); err != nil {
		return Wrong(name, Problem, err)
	}
	var can []string
	for _, way := range []struct {
		name string
		make func(old, to string) error
	}{
		{"reflink", func(old, to string) error { return fsx.Clone(to, old) }},
		{"hardlink", os.Link},
		{"symlink", os.Symlink},
	} {
		if err := way.make(from, filepath.Join(dir, way.name)); err == nil {
			can = append(can, way.name)
		}
	}
	for _, wanted := range r.Config.Cache.Link {
		if wanted != "copy" && wanted != "reflink" && !slices.Contains(can, wanted) {
			return Finding{name, Warning, fmt.Sprintf("cache.link asks for %s, which does not work here (possible: %s)", wanted, strings.Join(can, ", ")), "mlops config set cache.link reflink,copy --local"}
		}
	}
	if slices.Contains(can, "reflink") {
		return fine(name, "%s: large files are checked out without copying", strings.Join(can, ", "))
	}
	return fine(name, "%s, no reflink: files are copied", strings.Join(can, ", "))
}

// Remote asks whether a remote answers. It writes nothing; an empty remote is
// fine.
func Remote(ctx context.Context, name, url string, b remote.Bucket) Finding {
	_, err := b.Stat(ctx, "mlops.json")
	switch {
	case errs.Is(err, errs.NotFound):
		return fine("remote "+name, "%s answers; nothing was pushed to it yet", url)
	case err != nil:
		return Wrong("remote "+name, Problem, err)
	default:
		return fine("remote "+name, "%s answers", url)
	}
}
