package track

import "strings"

// The paths of the artifacts that hold what a run used and git does not have:
// with its commit they bring its code back. Behind each prefix stands the path
// in the repository.
const (
	CodeTree     = "mlops/code"       // all code, where there is no commit or the patch is too large
	CodePatch    = "mlops/code.patch" // what differed from the commit, for git apply
	ParamsPrefix = "mlops/params/"    // params files as they were
	LockPrefix   = "mlops/lock/"      // locks as the run left them
	OutsPrefix   = "mlops/outs/"      // outputs that the store does not keep, such as metrics
)

// SourceFile returns the path in the repository of an artifact that holds a
// file of the workspace.
func SourceFile(artifact string) (path string, ok bool) {
	for _, prefix := range []string{ParamsPrefix, LockPrefix, OutsPrefix} {
		if path, ok = strings.CutPrefix(artifact, prefix); ok {
			return path, true
		}
	}
	return "", false
}

// Source reports whether the asset is an artifact that holds what the run used
// and git does not have.
func (a Asset) Source() bool {
	_, isFile := SourceFile(a.Path)
	return a.Role == Artifact && (isFile || a.Path == CodePatch || a.Path == CodeTree)
}
