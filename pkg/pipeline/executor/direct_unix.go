//go:build unix

package executor

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// shellWords are names that mean something to a shell, or that it has a command
// of its own for.
const shellWords = " " +
	". : [ alias bg bind break builtin caller case cd chdir command compgen complete compopt continue " +
	"coproc declare dirs disown do done echo elif else enable esac eval exec exit export false fc fg fi " +
	"for function getopts hash help history if in jobs kill let local logout mapfile newgrp popd printf " +
	"pushd pwd read readarray readonly return select set shift shopt source suspend test then time times " +
	"trap true type typeset ulimit umask unalias unset until wait while "

// plainBytes are those that no shell reads as more than themselves.
const plainBytes = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-+./:,@%= "

// direct returns the file of a program and the words of a command that means to
// the shell just: start this program. Such a command needs no shell, as make has
// it. Without one words is nil.
func direct(t Task, command string) (program string, words []string) {
	if !slices.Equal(t.Shell, DefaultShell()) || !plain(command) {
		return "", nil
	}
	words = strings.Fields(command)
	if len(words) == 0 || strings.Contains(words[0], "=") || strings.Contains(shellWords, " "+words[0]+" ") {
		return "", nil
	}
	if strings.Contains(words[0], "/") {
		return words[0], words
	}
	if program = lookPath(t.Env, words[0]); program == "" {
		return "", nil // the shell says so
	}
	return program, words
}

func plain(command string) bool {
	for i := range len(command) {
		if strings.IndexByte(plainBytes, command[i]) < 0 {
			return false
		}
	}
	return true
}

// lookPath finds a program as a shell with the environment would; "" when it is
// not found, or the search depends on the directory at hand.
func lookPath(env []string, name string) string {
	for _, dir := range filepath.SplitList(variable(env, "PATH")) {
		if !filepath.IsAbs(dir) {
			return ""
		}
		file := filepath.Join(dir, name)
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return file
		}
	}
	return ""
}

// variable returns the value that counts, which is the last.
func variable(env []string, name string) string {
	for _, pair := range slices.Backward(env) {
		if value, ok := strings.CutPrefix(pair, name+"="); ok {
			return value
		}
	}
	return ""
}
