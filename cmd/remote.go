package cmd

import (
	"context"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/remote"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/transfer"
)

func newRemoteCmd(a *app) *cobra.Command {
	c := a.group("remote", "Name the buckets that data is pushed to",
		newRemoteAddCmd(a), newRemoteDefaultCmd(a), newRemoteLsCmd(a), newRemoteRmCmd(a))
	c.Long = `A remote is a bucket with a name: in S3 or what speaks its protocol, in Google
Cloud Storage, in Azure Blob Storage, or a directory. Names and URLs are kept in
.mlops/config.yaml, which is in git; credentials never are.`
	c.Example = "  mlops remote add origin s3://bucket/team\n  mlops remote ls"
	return c
}

// transfer connects the repository with the remote called name; "" is the
// default one.
func (a *app) transfer(ctx context.Context, name string, jobs int) (t *transfer.Transfer, known string, err error) {
	r, err := a.repo(ctx)
	if err != nil {
		return nil, "", err
	}
	if jobs < 0 {
		return nil, "", errs.New(errs.Usage, "--jobs %d is less than nothing", jobs)
	}
	b, known, err := a.bucket(ctx, name, jobs)
	if err != nil {
		return nil, "", err
	}
	return transfer.New(r, b, known, a.io.Progress()), known, nil
}

// remoteURL is what a connection is made to: a relative path of a directory is
// kept relative to the root, so that everybody who clones side by side can use it.
func remoteURL(root, stored string) string {
	if strings.Contains(stored, "://") || filepath.IsAbs(stored) {
		return stored
	}
	return filepath.Join(root, filepath.FromSlash(stored))
}

// storedURL is the inverse: a URL or path, as typed, in the form that is kept.
func storedURL(root, typed string) (string, error) {
	if _, err := remote.ParseURL(typed); err != nil {
		return "", err
	}
	if strings.Contains(typed, "://") || filepath.IsAbs(typed) {
		return typed, nil
	}
	abs, err := filepath.Abs(typed)
	if err != nil {
		return "", err
	}
	real, err := filepath.EvalSymlinks(root)
	if err != nil {
		return "", err
	}
	for _, base := range []string{root, real} {
		if rel, err := filepath.Rel(base, abs); err == nil {
			return filepath.ToSlash(rel), nil
		}
	}
	return abs, nil
}

func checkRemoteName(name string) error {
	if !regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`).MatchString(name) {
		return errs.New(errs.Usage, "%q is not a name for a remote", name).
			Hint("names are letters, digits, '.', '_' and '-': mlops remote add origin URL")
	}
	return nil
}

// settingsFile is the file that a remote is kept in.
func settingsFile(r *repo.Repo, local bool) string {
	if local {
		return filepath.Join(r.MetaDir(), repo.LocalFile)
	}
	return filepath.Join(r.MetaDir(), repo.ConfigFile)
}

// unknownRemote is the error about a name that no remote has.
func unknownRemote(r *repo.Repo, name string) error {
	return errs.New(errs.NotFound, "there is no remote %q", name).
		DidYouMean(name, sortedKeys(r.Config.Remotes)).
		Hint("'mlops remote ls' shows the remotes")
}

// completeRemotes completes names of remotes.
func (a *app) completeRemotes(c *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	r, err := a.repo(c.Context())
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	return sortedKeys(r.Config.Remotes), cobra.ShellCompDirectiveNoFileComp
}
