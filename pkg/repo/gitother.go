package repo

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
)

// OtherGit opens a git repository by its URL or the path of its directory. One
// that is elsewhere is cloned, without files, into the directory into. Local says
// that it is on this machine, and where its files stand, "" when it is bare.
func OtherGit(ctx context.Context, url, into string) (g Git, local string, err error) {
	if info, serr := os.Stat(url); serr == nil && info.IsDir() {
		abs, err := filepath.Abs(url)
		if err != nil {
			return g, "", err
		}
		g = Git{dir: abs}
		top, err := g.run(ctx, "rev-parse", "--show-toplevel")
		if err == nil {
			local = strings.TrimSpace(top)
			return Git{dir: local}, local, nil
		}
		if _, err := g.run(ctx, "rev-parse", "--git-dir"); err != nil {
			return g, "", errs.New(errs.NotFound, "%s is not a git repository: %w", url, err)
		}
		return g, "", nil
	}
	g = Git{dir: into}
	// Blobs come when they are read, where the server can do so.
	c := exec.CommandContext(ctx, "git", "clone", "--quiet", "--bare", "--filter=blob:none", "--", url, into)
	c.Env = append(os.Environ(), "LC_ALL=C", "GIT_TERMINAL_PROMPT=0")
	if text, err := c.CombinedOutput(); err != nil {
		if ctx.Err() != nil {
			return g, "", ctx.Err()
		}
		line := strings.TrimSpace(string(text))
		if i := strings.LastIndex(line, "fatal: "); i >= 0 {
			line = line[i+len("fatal: "):]
		}
		line, _, _ = strings.Cut(line, "\n")
		return g, "", errs.New(errs.Remote, "clone %s: %s: %w", url, line, err).Hint("does 'git ls-remote %s' work?", url)
	}
	return g, "", nil
}
