package errs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Error is an error of a kind, with hints.
type Error struct {
	kind  Kind
	err   error
	hints []string
}

// New returns an error of kind k. The format may hold %w. Messages are lower
// case, without a full stop, and name what was being done with what:
// "open store /x: permission denied".
func New(k Kind, format string, args ...any) *Error {
	return &Error{kind: k, err: fmt.Errorf(format, args...)}
}

// Hint adds a line that says what to type or set next. It returns e.
func (e *Error) Hint(format string, args ...any) *Error {
	e.hints = append(e.hints, fmt.Sprintf(format, args...))
	return e
}

// Error is the message without the hints.
func (e *Error) Error() string { return e.err.Error() }

// Unwrap returns the error that was formatted into this one.
func (e *Error) Unwrap() error { return errors.Unwrap(e.err) }

// Kind is the kind this error was made with.
func (e *Error) Kind() Kind { return e.kind }

// KindOf returns the kind of the outermost Error in err's chain. A canceled
// context is Canceled; every other error is Internal.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		if e.kind != Internal {
			return e.kind
		}
		if inner := errors.Unwrap(e); inner != nil {
			return KindOf(inner)
		}
		return Internal
	}
	if errors.Is(err, context.Canceled) {
		return Canceled
	}
	return Internal
}

// Is reports whether err is of kind k.
func Is(err error, k Kind) bool { return err != nil && KindOf(err) == k }

// Hints gathers the hints of every Error in err's chain, outermost first, and
// adds one for causes that every command shares, such as a full disk.
func Hints(err error) []string {
	var hints []string
	for e := err; e != nil; e = errors.Unwrap(e) {
		if own, ok := errors.AsType[*Error](e); ok {
			hints = append(hints, own.hints...)
			e = own
		}
	}
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		hints = append(hints, "free some disk space and type the same command again: nothing was lost")
	case errors.Is(err, syscall.EROFS):
		hints = append(hints, "the file system is read-only: work in a writable directory")
	case errors.Is(err, fs.ErrPermission) && len(hints) == 0:
		hints = append(hints, permissionHint(err))
	}
	return hints
}

// permissionHint says where to look when the system did not let us.
func permissionHint(err error) string {
	at := ""
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		at = e.Path
	} else if e, ok := errors.AsType[*os.LinkError](err); ok {
		at = e.New
	}
	if at == "" {
		return "change its permissions, or those of the directory that it is in"
	}
	return "check who may read and write there: ls -la " + filepath.Dir(at)
}
