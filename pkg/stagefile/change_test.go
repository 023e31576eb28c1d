package stagefile_test

import (
	"encoding/json"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/stagefile"
)

// TestChangesLeaveAllElse edits and removes each stage of many projects: the
// other stages resolve as before, and no line of theirs is touched.
func TestChangesLeaveAllElse(t *testing.T) {
	t.Parallel()
	made, err := filepath.Glob("../pipeline/testdata/dvc/*.txtar")
	if err != nil || len(made) == 0 {
		t.Fatal("no projects", err)
	}
	projects := map[string]map[string]string{}
	for _, file := range made {
		a, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		files := map[string]string{}
		for _, f := range a.Files {
			files[f.Name] = string(f.Data)
		}
		projects[strings.TrimSuffix(filepath.Base(file), ".txtar")] = files
	}
	cases, err := filepath.Glob("../../../shared/corpus/dvc/*/expected.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range cases {
		files := map[string]string{}
		for name, text := range readTree(t, filepath.Dir(file)) {
			if path.Base(name) != "dvc.lock" { // checked in other tests, and slow
				files[name] = string(text)
			}
		}
		projects[filepath.Base(filepath.Dir(file))] = files
	}
	changed := 0
	for project, files := range projects {
		for name, text := range files {
			if path.Base(name) != "dvc.yaml" {
				continue
			}
			f, err := load(files, name)
			if err != nil || len(f.Stages) > 300 {
				continue
			}
			changed += changeEach(t, project, files, f, text)
		}
	}
	want := 150
	if len(cases) > 0 {
		want = 300 // with the recorded cases, which are not in this repository
	}
	if changed < want {
		t.Errorf("only %d stages were changed", changed)
	}
}

func changeEach(t *testing.T, project string, files map[string]string, f *stagefile.File, text string) (changed int) {
	t.Helper()
	seen := map[string]bool{}
	for i := range f.Stages {
		name := f.Stages[i].Name
		if f.Stages[i].Group != "" {
			name = f.Stages[i].Group
		}
		if seen[name] || len(seen) == 8 {
			continue
		}
		seen[name] = true
		edit := stagefile.NewStage{Name: name, Desc: "a new description"}
		got, err := stagefile.EditStage(f.Path, []byte(text), edit, nil)
		if err == nil {
			changed++
			compareOthers(t, project+": edit "+name, files, f, string(got), name)
			if after, err := load(with(files, f.Path, string(got)), f.Path); err == nil {
				i := slices.IndexFunc(after.Stages, func(s stagefile.Stage) bool { return s.Name == name || s.Group == name })
				if i < 0 || after.Stages[i].Desc != edit.Desc {
					t.Errorf("%s: edit %s: %+v", project, name, after.Stages)
				}
			}
			keepsLines(t, project+": edit "+name, text, string(got), 8) // a description of some lines
		} else if !errs.Is(err, errs.Usage) && !errs.Is(err, errs.NotFound) { // by a merge key
			t.Errorf("%s: edit %s: %v", project, name, err)
		}
		got, err = stagefile.RemoveStages(f.Path, []byte(text), name)
		if err == nil {
			compareOthers(t, project+": remove "+name, files, f, string(got), name)
			keepsLines(t, project+": remove "+name, string(got), text, 2) // stages: {} after the last
		} else if !errs.Is(err, errs.Usage) && !errs.Is(err, errs.NotFound) { // by a merge key
			t.Errorf("%s: remove %s: %v", project, name, err)
		}
	}
	return changed
}

func with(files map[string]string, name, text string) map[string]string {
	out := map[string]string{name: text}
	for n, x := range files {
		if n != name {
			out[n] = x
		}
	}
	return out
}

// compareOthers compares the stages besides name as they resolve.
func compareOthers(t *testing.T, what string, files map[string]string, before *stagefile.File, text, name string) {
	t.Helper()
	after, err := load(with(files, before.Path, text), before.Path)
	if err != nil {
		if strings.Contains(text, "*") || strings.Contains(text, "<<") {
			return // an anchor was in the stage that went
		}
		t.Errorf("%s: %v\n%s", what, err, text)
		return
	}
	others := func(f *stagefile.File) (out []string) {
		for i := range f.Stages {
			if s := &f.Stages[i]; s.Name != name && s.Group != name {
				b, err := json.Marshal(s)
				if err != nil {
					t.Fatal(err)
				}
				out = append(out, string(b))
			}
		}
		return out
	}
	if b, a := others(before), others(after); !slices.Equal(a, b) && !strings.Contains(text, "*") {
		t.Errorf("%s: others changed\n got %v\nwant %v", what, a, b)
	}
}

// keepsLines checks that the two texts are the same lines before and after one
// place, where the shorter has no more than some of its own.
func keepsLines(t *testing.T, what, shorter, longer string, but int) {
	t.Helper()
	a, b := strings.Split(strings.TrimRight(shorter, "\n"), "\n"), strings.Split(strings.TrimRight(longer, "\n"), "\n")
	own := len(a)
	for own > 0 && len(b) > 0 && a[0] == b[0] {
		a, b, own = a[1:], b[1:], own-1
	}
	for own > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		a, b, own = a[:len(a)-1], b[:len(b)-1], own-1
	}
	if own > but {
		t.Errorf("%s: %d lines changed\n%s\nfrom\n%s", what, own, shorter, longer)
	}
}

func TestOurFileTakesMore(t *testing.T) {
	t.Parallel()
	f, err := load(map[string]string{"mlops.yaml": `
vars: [{n: 5, day: 2020-01-31, by: {1: one}}]
stages:
  s: {wdir: "${n}", cmd: "x ${day} ${by.1}", deps: ["${n}", "data/*.csv", "d/**", s3://b/*.csv]}
`}, "mlops.yaml")
	if err != nil {
		t.Fatal(err)
	}
	s := f.Stages[0]
	if s.Wdir != "5" || s.Cmd[0] != "x 2020-01-31 one" || s.Deps[0].Path != "5/5" {
		t.Errorf("%+v", s)
	}
	for i, glob := range []bool{false, true, true, false} {
		if s.Deps[i].Glob != glob {
			t.Errorf("%+v: pattern %t", s.Deps[i], glob)
		}
	}
}

// TestListsAsInTheFile adds lists as those of the file are indented.
func TestListsAsInTheFile(t *testing.T) {
	t.Parallel()
	for _, indent := range []string{"    - ", "      - "} {
		text := "vars:\n- v.yaml\nstages:\n  a:\n    cmd: x\n    deps:\n" + indent + "q\n"
		if indent != "    - " {
			text = strings.TrimPrefix(text, "vars:\n- v.yaml\n")
		}
		got, err := stagefile.AddStage("dvc.yaml", []byte(text), stagefile.NewStage{Name: "b", Cmd: "y", Deps: []string{"z"}}, false)
		if want := text + "  b:\n    cmd: y\n    deps:\n" + indent + "z\n"; err != nil || string(got) != want {
			t.Errorf("got %s %v\nwant %s", got, err, want)
		}
	}
}
