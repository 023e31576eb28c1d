//go:build !windows

package term

import "os"

// enableEscapes has nothing to do: Unix terminals understand escapes.
func enableEscapes(*os.File) bool { return true }
