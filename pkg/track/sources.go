package track

import "strings"

// The paths of the artifacts that hold what a run used and git does not have:
// with its commit they bring its code back. Behind each prefix stands the path
// in the repository.
const (
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
