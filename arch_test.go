package main_test

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/mlops-cli/mlops"

// layers is the table of docs/architecture.md: a package imports only packages
// of lower layers. A subpackage may import its parent, and stands in its layer
// unless it is listed.
func layers() []string {
	return []string{
		"errs oid fault progress clock version proc",
		"fsx",
		"pack tree paramfile metricfile parquetfile dag ignore track term examples junit route",
		"dvc",
		"stagefile plot sweep mlproject registry",
		"store remote remote/file remote/cloud db lineage watch",
		"repo trackdb registrydb queue account webhook project",
		"workspace transfer upkeep doctor archive artifact loopback pipeline/executor",
		"pipeline compare isolate reproduce mlproject/local",
		"release",
		"migrate mlruns mlflow api ui signin",
		"server",
		"cmd",
		".",
	}
}

// tests are packages that only tests import.
func testPackages() []string { return []string{"remote/remotetest", "db/dbtest"} }

// thirdParty says which package alone may import a module, by the path of the
// package below pkg or the module.
func thirdParty() map[string]string {
	return map[string]string{
		"gocloud.dev":                "remote/cloud",
		"modernc.org/sqlite":         "db",
		"github.com/jackc":           "db",
		"github.com/danielgtaylor":   "api",
		"github.com/spf13":           "cmd",
		"github.com/olekukonko":      "term",
		"github.com/rogpeppe":        "",
		"github.com/santhosh-tekuri": "",
		"github.com/aws":             "remote/cloud",
		"github.com/Azure":           "remote/cloud",
		"cloud.google.com":           "remote/cloud",
		"google.golang.org":          "remote/cloud",
		"github.com/pkg/errors":      "",
		"gopkg.in/yaml.v3":           "",
		"github.com/stretchr":        "",
		"github.com/dustin":          "",
		"github.com/go-viper":        "cmd",
		"github.com/pelletier":       "paramfile metricfile",
		"go.yaml.in/yaml/v3":         "paramfile metricfile stagefile dvc repo registry/mlmodel mlruns cmd",
		"github.com/klauspost":       "transfer store pack remote parquetfile",
		"github.com/parquet-go":      "parquetfile",
		"github.com/andybalholm":     "parquetfile",
		"github.com/pierrec":         "parquetfile",
		"github.com/twpayne":         "",
		"github.com/zeebo/xxh3":      "tree store workspace",
		"golang.org/x/term":          "term",
		"github.com/mattn":           "",
		"github.com/fsnotify":        "watch",
		"github.com/clipperhouse":    "",
		"github.com/google/uuid":     "",
		"github.com/sourcegraph":     "",
		"github.com/cpuguy83":        "",
		"github.com/googleapis":      "remote/cloud",
		"golang.org/x/exp":           "",
		"golang.org/x/image":         "plot",
		"github.com/Sirupsen":        "",
		"github.com/cespare/xxhash":  "",
	}
}

// goPackage is what `go list` says of a package.
type goPackage struct {
	ImportPath   string
	Imports      []string
	TestImports  []string
	XTestImports []string
}

// name is the path below the module, without pkg/; "." is main.
func name(importPath string) string {
	below := strings.TrimPrefix(strings.TrimPrefix(importPath, module), "/")
	if below == "" {
		return "."
	}
	return strings.TrimPrefix(below, "pkg/")
}

// layerOf is the number of a package's layer, or -1.
func layerOf(pkg string) int {
	for at := pkg; at != "."; at = path.Dir(at) {
		for n, line := range layers() {
			if slices.Contains(strings.Fields(line), at) {
				return n
			}
		}
	}
	if pkg == "." {
		return len(layers()) - 1
	}
	return -1
}

func listPackages(t *testing.T) []goPackage {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports,TestImports,XTestImports", "./...").Output()
	if err != nil {
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			t.Fatalf("go list: %v\n%s", err, exit.Stderr)
		}
		t.Fatal(err)
	}
	var all []goPackage
	dec := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p goPackage
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

func TestPackagesImportOnlyLowerLayers(t *testing.T) {
	t.Parallel()
	for _, p := range listPackages(t) {
		from := name(p.ImportPath)
		if slices.Contains(testPackages(), from) {
			continue
		}
		layer := layerOf(from)
		if layer < 0 {
			t.Errorf("%s has no layer: list it here and in docs/architecture.md", from)
		}
		for _, imported := range p.Imports {
			if !strings.HasPrefix(imported, module) {
				continue
			}
			to := name(imported)
			switch {
			case slices.Contains(testPackages(), to):
				t.Errorf("%s imports %s, which is for tests", from, to)
			case strings.HasPrefix(from, to+"/"):
				// a subpackage may import its parent
			case layerOf(to) >= layer:
				t.Errorf("%s (layer %d) imports %s (layer %d)", from, layer, to, layerOf(to))
			}
		}
	}
}

func TestThirdPartyModulesHaveOnePlace(t *testing.T) {
	t.Parallel()
	for _, p := range listPackages(t) {
		from := name(p.ImportPath)
		if slices.Contains(testPackages(), from) {
			continue
		}
		for _, imported := range p.Imports {
			for prefix, allowed := range thirdParty() {
				if (imported == prefix || strings.HasPrefix(imported, prefix+"/")) && !slices.Contains(strings.Fields(allowed), from) {
					t.Errorf("%s imports %s, which belongs to: %s", from, imported, allowed)
				}
			}
		}
	}
}

// TestLayersAreDocumented compares the table with docs/architecture.md.
func TestLayersAreDocumented(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "## Layers")
	table, _, _ = strings.Cut(table, "\n## ")
	var documented []string
	for line := range strings.Lines(table) {
		if cells := strings.Split(line, "|"); len(cells) > 3 {
			above := regexp.MustCompile(`\(above [^)]*\)`).ReplaceAllString(cells[2], "")
			for _, word := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(above, -1) {
				documented = append(documented, word[1])
			}
		}
	}
	for _, line := range layers() {
		for pkg := range strings.FieldsSeq(line) {
			if pkg == "." {
				pkg = "main"
			}
			if !slices.Contains(documented, pkg) {
				t.Errorf("docs/architecture.md does not list %s", pkg)
			}
		}
	}
}

// TestPackagesExplainThemselves: every package has a doc.go.
func TestPackagesExplainThemselves(t *testing.T) {
	t.Parallel()
	for _, p := range listPackages(t) {
		dir := "." + strings.TrimPrefix(p.ImportPath, module)
		if dir == "." || strings.HasPrefix(dir, "./examples") {
			continue
		}
		if _, err := os.Stat(path.Join(dir, "doc.go")); err != nil {
			t.Errorf("%s: %v", p.ImportPath, err)
		}
	}
}
