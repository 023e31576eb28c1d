package dvc

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// Place is the remote as a URL that a bucket can be opened by. Why says what
// speaks against it when there is none.
func (r Remote) Place() (place, why string) {
	scheme, rest, has := strings.Cut(r.URL, "://")
	if !has {
		if tail, ok := strings.CutPrefix(r.URL, "~"); ok {
			home, err := os.UserHomeDir()
			if err != nil {
				return "", "the home directory is not known"
			}
			return filepath.Join(home, filepath.FromSlash(tail)), ""
		}
		if r.Relative && ofWindows(r.URL) {
			return "", "it is a directory of a Windows machine"
		}
		return r.URL, ""
	}
	for _, option := range []string{"version_aware", "worktree"} {
		if strings.EqualFold(r.Options[option], "true") {
			return "", "it keeps versions of files under their own names (" + option + ")"
		}
	}
	q := url.Values{}
	switch scheme {
	case "s3":
		r.option(q, "endpointurl", "endpoint")
		r.option(q, "region", "region")
		r.option(q, "profile", "profile")
		if q.Get("endpoint") != "" {
			q.Set("use_path_style", "true")
		}
		if strings.HasPrefix(q.Get("endpoint"), "http://") {
			q.Set("disable_https", "true")
		}
	case "gs", "gcs":
		scheme = "gs"
	case "azure", "azblob":
		scheme = "azblob"
		r.option(q, "account_name", "storage_account")
	case "http", "https":
		return r.URL, ""
	case "file":
		return r.URL, ""
	default:
		return "", scheme + ":// is not spoken by mlops"
	}
	place = scheme + "://" + rest
	if len(q) > 0 {
		place += "?" + q.Encode()
	}
	return place, ""
}

func (r Remote) option(q url.Values, theirs, ours string) {
	if v := r.Options[theirs]; v != "" {
		q.Set(ours, v)
	}
}

// ofWindows reports whether a path that was taken for a relative one begins
// with a drive, as C:\data does, and is not there.
func ofWindows(name string) bool {
	before, after, found := strings.Cut(name[len(filepath.VolumeName(name)):], ":")
	if !found || len(before) < 2 || before[len(before)-2] != '/' || !strings.HasPrefix(after, "/") && !strings.HasPrefix(after, `\`) {
		return false
	}
	_, err := os.Stat(name)
	return err != nil
}
