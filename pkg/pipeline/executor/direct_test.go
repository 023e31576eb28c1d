//go:build unix

package executor_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mlops-cli/mlops/pkg/pipeline/executor"
)

// TestCommandsDoWithoutAShellWhatTheyDoWithOne compares both on commands that a
// shell may or may not be needed for.
func TestCommandsDoWithoutAShellWhatTheyDoWithOne(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{"headless": "echo I have no first line $1", "mine": "#!/bin/sh\necho mine $0 $@", "off": "#!/bin/sh\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(filepath.Join(dir, "off"), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(shell []string, command string) (executor.Result, string) {
		var out bytes.Buffer
		r := executor.NewLocal(time.Second).Run(t.Context(), executor.Task{
			Commands: []string{command}, Shell: shell, Dir: dir, Env: append(os.Environ(), "PWD=/nowhere"), Output: &out,
		})
		return r, out.String()
	}
	for _, command := range []string{
		"ls", "ls -a  .", "cat ./mine", "./mine a=b --x=1,2 c@d", "./headless one", "headless", "./off", "./missing", "no-such-program",
		"pwd", "env | grep ^PWD=", "printenv PWD", "X=1 printenv X", "X=1", "true", "exit 3", "sh -c exit", "cat missing", "echo $0",
		"test -d .", "ls *", "if true", ":", ".", "cd ..", "printf a%b", "ls ~", "seq 3 ", "  seq 2", "ls 'a b'", "kill -9 x",
	} {
		direct, said := run(executor.DefaultShell(), command)
		shell, want := run([]string{"/bin/sh", "-c", "--"}, command)
		if shell.ExitCode != direct.ExitCode || (shell.Err == nil) != (direct.Err == nil) {
			t.Errorf("%s: exit code %d (%v), in a shell %d (%v)", command, direct.ExitCode, direct.Err, shell.ExitCode, shell.Err)
		}
		if said = strings.ReplaceAll(said, "--", "/bin/sh"); said != strings.ReplaceAll(want, "--", "/bin/sh") {
			t.Errorf("%s: says %q, in a shell %q", command, said, want)
		}
	}
}
