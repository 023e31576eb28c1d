package main_test

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/mlops-cli/mlops/cmd"
	"github.com/mlops-cli/mlops/pkg/term"
)

// TestMain lets the test binary be mlops: scripts start it under that name.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"mlops": func() {
			os.Exit(cmd.Main(withFault(context.Background()), os.Args[1:], term.System()))
		},
		uploadName: func() { os.Exit(uploadMain()) },
	})
}

// TestScript runs every script below testdata/script, a folder an area. Run one
// with: go test -run 'TestScript/data/add' .
//
// With MLOPS_EXE=/path/to/mlops the scripts run that binary, except those that
// inject faults, which only the test binary can do.
func TestScript(t *testing.T) {
	t.Parallel()
	if signal.Ignored(syscall.SIGHUP) { // under nohup: programs that are started here do not inherit that
		signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	}
	areas := map[string][]string{}
	err := filepath.WalkDir(filepath.Join("testdata", "script"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".txtar" {
			return err
		}
		if os.Getenv("MLOPS_EXE") != "" {
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			if bytes.Contains(text, []byte("\nkillat ")) || bytes.Contains(text, []byte("\nfailat ")) {
				return nil
			}
		}
		area := filepath.ToSlash(filepath.Dir(path))
		areas[area] = append(areas[area], path)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for area, files := range areas {
		t.Run(strings.TrimPrefix(area, "testdata/script/"), func(t *testing.T) {
			t.Parallel()
			testscript.Run(t, testscript.Params{
				Files:              files,
				Setup:              setUp,
				Cmds:               commands(),
				Condition:          condition,
				RequireUniqueNames: true,
				UpdateScripts:      os.Getenv("MLOPS_UPDATE") != "",
			})
		})
	}
}

// setUp gives a script a home of its own and a git that knows who works and
// when, so that commit ids are always the same.
func setUp(env *testscript.Env) error {
	home := filepath.Join(env.WorkDir, ".home")
	if err := os.MkdirAll(home, 0o755); err != nil {
		return err
	}
	gitConfig := filepath.Join(home, ".gitconfig")
	const text = "[user]\n\tname = Ada\n\temail = ada@example.com\n[init]\n\tdefaultBranch = main\n[core]\n\tautocrlf = false\n[advice]\n\tdetachedHead = false\n"
	if err := os.WriteFile(gitConfig, []byte(text), 0o644); err != nil {
		return err
	}
	for key, value := range map[string]string{
		"HOME": home, "USERPROFILE": home, "XDG_CONFIG_HOME": filepath.Join(home, ".config"), "AppData": filepath.Join(home, ".config"),
		"USER":              "ada",
		"GIT_CONFIG_GLOBAL": gitConfig, "GIT_CONFIG_NOSYSTEM": "1",
		"GIT_AUTHOR_DATE": "2026-01-02T03:04:05Z", "GIT_COMMITTER_DATE": "2026-01-02T03:04:05Z",
		"LC_ALL": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1",
	} {
		env.Setenv(key, value)
	}
	exe := os.Getenv("MLOPS_EXE")
	if exe == "" {
		return nil
	}
	bin := filepath.Join(home, "bin")
	name := "mlops"
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	if err := os.MkdirAll(bin, 0o755); err != nil {
		return err
	}
	if err := os.Symlink(exe, filepath.Join(bin, name)); err != nil {
		return err
	}
	env.Setenv("PATH", bin+string(os.PathListSeparator)+env.Getenv("PATH"))
	return nil
}

// condition knows [root] and [exe], beside those of testscript.
func condition(cond string) (bool, error) {
	switch cond {
	case "root": // permissions do not bind root
		return os.Geteuid() == 0, nil
	case "exe": // the built binary is tested
		return os.Getenv("MLOPS_EXE") != "", nil
	default:
		return false, os.ErrInvalid
	}
}

// TestEveryAreaHasScripts keeps a moved folder from passing unseen.
func TestEveryAreaHasScripts(t *testing.T) {
	t.Parallel()
	found, err := filepath.Glob(filepath.Join("testdata", "script", "*", "*.txtar"))
	if err != nil || len(found) == 0 {
		t.Fatalf("no scripts found: %v", err)
	}
	if slices.Contains(found, "") {
		t.Fatal("a script without a name")
	}
}
