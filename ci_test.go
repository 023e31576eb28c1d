package main_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/mlops-cli/mlops/pkg/paramfile"
)

// TestCIExamples runs the steps of the examples in examples/ci as a runner
// would: in a fresh clone of a branch, without a network. What installs mlops
// and what comments are stubs that write down what they were given.
func TestCIExamples(t *testing.T) {
	t.Parallel()
	for name, ci := range map[string]struct {
		file  string
		steps func(t *testing.T, doc *paramfile.Map) []string
		env   []string
	}{
		"github": {"examples/ci/github/.github/workflows/mlops.yml", githubSteps, []string{"BASE=main", "PULL_REQUEST=7", "GITHUB_STEP_SUMMARY=../summary.md"}},
		"gitlab": {"examples/ci/gitlab/.gitlab-ci.yml", gitlabSteps, []string{
			"CI_MERGE_REQUEST_TARGET_BRANCH_NAME=main", "CI_MERGE_REQUEST_IID=7", "CI_PROJECT_ID=9",
			"CI_API_V4_URL=https://gitlab.example/api/v4", "GITLAB_TOKEN=secret",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(ci.file)
			if err != nil {
				t.Fatal(err)
			}
			doc, err := paramfile.Parse(ci.file, text)
			if err != nil {
				t.Fatal(err)
			}
			root, ok := doc.(*paramfile.Map)
			if !ok {
				t.Fatalf("%s is no mapping", ci.file)
			}
			dir := t.TempDir()
			env := append(ciProject(t, dir), ci.env...)
			steps := ci.steps(t, root)
			if len(steps) < 5 {
				t.Fatalf("only %d steps", len(steps))
			}
			for _, step := range steps {
				shell(t, filepath.Join(dir, "clone"), env, "set -eu\n"+step, false)
			}
			checkComment(t, dir)
		})
	}
}

func checkComment(t *testing.T, dir string) {
	t.Helper()
	comment, err := os.ReadFile(filepath.Join(dir, "comment"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"### Compared with main", `\| lr \| 0.1 \| 0.2 \|`, `\| loss ↓ \| \*\*0.1\*\* [▁-█]+ \| 0.2 [▁-█]+ \|`, "mlops.lock` is out of date",
		`(?m)^(pr comment 7 .*|.*/merge_requests/7/notes)$`,
	} {
		if !regexp.MustCompile(want).Match(comment) {
			t.Errorf("the comment has no %s:\n%s", want, comment)
		}
	}
	if page, err := os.ReadFile(filepath.Join(dir, "clone/plots.html")); err != nil || !strings.Contains(string(page), "<polyline") {
		t.Errorf("no plots: %v", err)
	}
}

// ciProject makes a project with a branch that changes a param, a bucket, a
// clone of the branch, and stubs. It returns the environment of the steps.
func ciProject(t *testing.T, dir string) []string {
	t.Helper()
	env := shellEnv(t, dir)
	stubs := filepath.Join(dir, "stubs")
	for name, text := range map[string]string{
		"stubs/go":   "#!/bin/sh\nexit 0\n",
		"stubs/gh":   "#!/bin/sh\necho \"$@\" >>" + dir + "/comment\nfor a; do last=$a; done\ncat \"$last\" >>" + dir + "/comment\n",
		"stubs/curl": "#!/bin/sh\ncat report.md >>" + dir + "/comment\nfor a; do last=$a; done\necho \"$last\" >>" + dir + "/comment\n",
		"work/mlops.yaml": "stages:\n  data:\n    cmd: seq 5 >data.txt\n    outs: [data.txt]\n" +
			"  train:\n    cmd: sh train.sh\n    deps: [data.txt, train.sh]\n    params: [lr]\n    outs: [model]\n    plots: [{loss.csv: {x: step}}]\n",
		"work/params.yaml": "lr: 0.1\n",
		"work/train.sh": "lr=$(cut -d' ' -f2 params.yaml)\ncp data.txt model\necho \"$lr\" >>model\n" +
			"echo step,loss >loss.csv\nwhile read -r i; do echo \"$i,$lr\"; done <data.txt >>loss.csv\n",
	} {
		p := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	shell(t, filepath.Join(dir, "work"), env, `
set -e
mkdir ../bucket
git init -q && mlops init -q && mlops remote add origin ../bucket
mlops run -q && mlops push -q
git add -A && git commit -q -m main && git clone -q --bare . ../origin.git
git checkout -q -b change && echo 'lr: 0.2' >params.yaml && git commit -q -a -m change && git push -q ../origin.git change
git clone -q -b change ../origin.git ../clone
`, false)
	for i, v := range env {
		if rest, ok := strings.CutPrefix(v, "PATH="); ok {
			env[i] = "PATH=" + stubs + string(filepath.ListSeparator) + rest
		}
	}
	return env
}

// githubSteps are the run steps of the workflow. Expressions may stand in env
// only: in a script they would let a branch's name run as code.
func githubSteps(t *testing.T, doc *paramfile.Map) []string {
	t.Helper()
	list, _ := paramfile.Lookup(doc, "jobs.reproduce.steps")
	steps, _ := list.([]any)
	var scripts []string
	for _, step := range steps {
		run, ok := paramfile.Lookup(step, "run")
		if !ok {
			continue
		}
		script := paramfile.Text(run)
		if strings.Contains(script, "${{") {
			t.Errorf("an expression within a script: %s", script)
		}
		scripts = append(scripts, script)
	}
	return scripts
}

func gitlabSteps(t *testing.T, doc *paramfile.Map) []string {
	t.Helper()
	var scripts []string
	for _, key := range []string{"reproduce.before_script", "reproduce.script"} {
		list, _ := paramfile.Lookup(doc, key)
		lines, ok := list.([]any)
		if !ok {
			t.Fatalf("no %s", key)
		}
		for _, line := range lines {
			scripts = append(scripts, paramfile.Text(line))
		}
	}
	return scripts
}
