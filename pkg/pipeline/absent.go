package pipeline

import (
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/mlops-cli/mlops/pkg/stagefile"
)

// unseen reports whether what a dependency is now cannot be known: it is at a
// URL, or in a directory that is not on disk and of which only DVC's sum is known.
func (v *view) unseen(p string) bool {
	if strings.Contains(p, "://") {
		return true
	}
	for dir := path.Dir(p); dir != "." && dir != "/"; dir = path.Dir(dir) {
		if _, tracked := v.tracked[dir]; !tracked || v.listed(dir) {
			continue
		}
		if _, err := os.Lstat(filepath.Join(v.root, filepath.FromSlash(dir))); err != nil {
			return true
		}
	}
	return false
}

// listed reports of a tracked directory whether a pointer or lock of ours names
// it: then its listing is here, or can be fetched.
func (p *Project) listed(root string) func(dir string) bool {
	return func(dir string) bool {
		file := dir + stagefile.PointerExt
		if maker, ok := p.producer[dir]; ok {
			file = p.byAddress[maker].Lock()
		}
		_, err := os.Lstat(filepath.Join(root, filepath.FromSlash(file)))
		return err == nil
	}
}
