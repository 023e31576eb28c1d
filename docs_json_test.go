package main_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const jsonDoc = "docs/json.md"

// TestJSONContracts runs the commands of docs/json.md in order and compares
// what they write with the examples: the same keys and types. With
// MLOPS_UPDATE=1 it writes the examples anew instead.
//
// "<!-- $ cmd -->" runs a shell command, "<!-- > cmd -->" one whose stdout is
// the example after it; "$ !" must fail, and its stderr is the example.
func TestJSONContracts(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("SKIPPED: no shell")
	}
	doc, err := os.ReadFile(jsonDoc)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "repo")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	env := shellEnv(t, filepath.Dir(dir))
	shell(t, dir, env, "git init -q", false)

	var updated strings.Builder
	var last []byte // the output that the next example shows
	rest := string(doc)
	part := regexp.MustCompile("(?s)<!-- (\\$ !|\\$|>) (.*?) -->\n|```json\n(.*?)```\n")
	for {
		at := part.FindStringSubmatchIndex(rest)
		if at == nil {
			break
		}
		updated.WriteString(rest[:at[0]])
		if at[2] >= 0 {
			kind, command := rest[at[2]:at[3]], rest[at[4]:at[5]]
			stdout, stderr := shell(t, dir, env, command, kind == "$ !")
			switch kind {
			case ">":
				last = stdout
			case "$ !":
				last = stderr
			}
			updated.WriteString(rest[at[0]:at[1]])
		} else {
			example := rest[at[6]:at[7]]
			if got, want := shapes(t, last), shapes(t, []byte(example)); !slices.Equal(got, want) && os.Getenv("MLOPS_UPDATE") == "" {
				t.Errorf("an example of %s differs from\n%s\nshape is\n%s\nwant\n%s", jsonDoc, last, strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
			updated.WriteString("```json\n" + strings.ReplaceAll(string(last), filepath.Dir(dir), "/home/ada") + "```\n")
		}
		rest = rest[at[1]:]
	}
	updated.WriteString(rest)
	if os.Getenv("MLOPS_UPDATE") != "" {
		if err := os.WriteFile(jsonDoc, []byte(updated.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// shellEnv is an environment with a home of its own.
func shellEnv(t *testing.T, home string) []string {
	t.Helper()
	config := filepath.Join(home, ".gitconfig")
	if err := os.WriteFile(config, []byte("[user]\n\tname = Ada\n\temail = ada@example.com\n[init]\n\tdefaultBranch = main\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	return []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + home, "USERPROFILE=" + home, "XDG_CONFIG_HOME=" + home, "TMPDIR=" + home,
		"USER=ada", "GIT_CONFIG_GLOBAL=" + config, "GIT_CONFIG_NOSYSTEM=1", "LC_ALL=C.UTF-8",
		"SYSTEMROOT=" + os.Getenv("SYSTEMROOT"),
	}
}

// shell runs a command line, which must succeed, or fail.
func shell(t *testing.T, dir string, env []string, line string, fails bool) (stdout, stderr []byte) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sh", "-c", line)
	cmd.Dir, cmd.Env = dir, env
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	if err := cmd.Run(); (err != nil) != fails {
		t.Fatalf("%s: %v\n%s%s", line, err, out.Bytes(), errOut.Bytes())
	}
	return out.Bytes(), errOut.Bytes()
}

// shapes lists every path in the documents with the type of its value.
func shapes(t *testing.T, text []byte) []string {
	t.Helper()
	var all []string
	dec := json.NewDecoder(bytes.NewReader(text))
	for {
		var v any
		err := dec.Decode(&v)
		if errors.Is(err, io.EOF) {
			slices.Sort(all)
			return slices.Compact(all)
		}
		if err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		root := ""
		if m, ok := v.(map[string]any); ok && m["type"] != nil {
			root = fmt.Sprint(m["type"])
		}
		all = append(all, shapesOf(root, v)...)
	}
}

func shapesOf(path string, v any) []string {
	switch v := v.(type) {
	case map[string]any:
		all := []string{path + " object"}
		for key, below := range v {
			all = append(all, shapesOf(path+"."+key, below)...)
		}
		return all
	case []any:
		all := []string{path + " array"}
		for _, below := range v {
			all = append(all, shapesOf(path+"[]", below)...)
		}
		return all
	default:
		return []string{fmt.Sprintf("%s %T", path, v)}
	}
}
