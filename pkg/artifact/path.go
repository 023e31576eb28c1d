package artifact

import (
	"path"
	"strings"
	"unicode/utf8"

	"github.com/mlops-cli/mlops/pkg/errs"
)

// maxPath is the longest path in bytes.
const maxPath = 1024

// CleanPath checks the path of a file or directory below its owner, as it is
// after one decoding, and returns it without a slash at its end; "" and "." are
// the owner's root, "". It must be relative, of plain names: what could mean
// another place to any file system, to a second decoding or to a URL is refused.
func CleanPath(p string) (string, error) {
	bad := func(why string) (string, error) {
		return "", errs.New(errs.Usage, "artifact path %q: %s", cut(p), why)
	}
	switch {
	case p == "" || p == "." || p == "./":
		return "", nil
	case len(p) > maxPath:
		return bad("longer than 1024 bytes")
	case !utf8.ValidString(p):
		return bad("not UTF-8")
	case strings.ContainsRune(p, '\\'):
		return bad("it has a backslash")
	case strings.ContainsRune(p, '#'):
		return bad("it has a '#'")
	case strings.HasPrefix(p, "/"):
		return bad("it is absolute")
	case len(p) > 1 && p[1] == ':':
		return bad("it names a drive")
	case scheme(p):
		return bad("it is a URL")
	case encoded(p):
		return bad("it is encoded twice")
	}
	for _, r := range p {
		if r < ' ' || r == 0x7f {
			return bad("it has a control character")
		}
	}
	p = strings.TrimSuffix(p, "/")
	for name := range strings.SplitSeq(p, "/") {
		switch name {
		case "", ".", "..":
			return bad("it has the name " + quoted(name))
		}
	}
	if path.Clean(p) != p {
		return bad("not in its shortest form")
	}
	return p, nil
}

func quoted(name string) string { return "'" + name + "'" }

// cut keeps messages short.
func cut(s string) string {
	const most = 200
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

// scheme reports whether p begins like a URL: file:x, http://x. A colon alone is
// part of a name.
func scheme(p string) bool {
	word, rest, ok := strings.Cut(p, ":")
	return ok && !strings.Contains(word, "/") && (strings.EqualFold(word, "file") || strings.HasPrefix(rest, "/"))
}

// encoded reports whether decoding p again would make a separator, a dot, a NUL,
// a percent sign or a '#' of it. A plain percent sign is part of a name.
func encoded(p string) bool {
	low := strings.ToLower(p)
	for _, code := range []string{"%00", "%23", "%25", "%2e", "%2f", "%5c", "%3a"} {
		if strings.Contains(low, code) {
			return true
		}
	}
	return false
}
