// Package ignore decides by patterns in gitignore syntax which paths are left
// out. It reads no files: callers hand it the text of each ignore file.
//
// Rules of the same file: the last pattern that matches decides. Rules of
// deeper directories win over those above. What is inside an excluded
// directory is excluded, whatever patterns say of it.
package ignore
