package stagefile

import (
	"path"
	"time"
)

// The names of pipeline files, in the order in which a directory is asked for
// them, and of the lock beside them.
const (
	FileName    = "mlops.yaml"
	DVCFileName = "dvc.yaml"
	LockName    = "mlops.lock"
)

// Pos is a place in a file, counted from 1.
type Pos struct{ Line, Column int }

// File is a pipeline file with its templates resolved.
type File struct {
	Path      string // slash path relative to the root
	Dir       string // the file's directory, "." for the root
	Stages    []Stage
	Params    []string // declared parameter files, relative to the root
	Metrics   []string // declared metric files, relative to the root
	Plots     []Plot
	Artifacts []Artifact
	Datasets  []Dataset
	Pointer   *Pointer       // what a pointer names, which has no stages
	Pools     map[string]int // slots that the stages of this file share, by name
	Models    []Model        // gates of registered models

	mapStages map[string]mapStage
}

// Lock is the path of the lock beside the file.
func (f *File) Lock() string { return path.Join(f.Dir, LockName) }

// Stage is one stage with its templates resolved.
type Stage struct {
	Name  string // as in its file; a generated one is group@key
	File  string // the pipeline file
	Group string // the foreach or matrix stage it was generated from
	Pos   Pos    // of the name in the file

	Cmd       []string // one string, or a list
	CmdIsList bool
	Wdir      string // relative to the root, "." for the root
	Shell     string // "" is /bin/sh
	Timeout   time.Duration
	Retries   Retries
	Resources Resources
	Pool      map[string]int // pool → slots that the stage takes while it runs
	Mutex     []string       // no two stages with one of these names run at once
	Executor  string         // "" is the default one
	Image     string         // container image, for executors that run one
	// Map is the path of the list that a map stage expands over, relative to
	// the root. Such a stage is a placeholder: File.Expand makes its items.
	Map string
	// MapOuts are the paths of the outs of its items before ${} is filled in.
	MapOuts []string
	Deps    []Dep // as written, so that one may be there twice
	Outs    []Out
	// Params maps a parameter file to the key paths that the stage uses; nil
	// stands for the whole file.
	Params map[string][]string
	// Used maps a parameter file to the values that ${} took from it. They
	// are shown, but are no dependencies.
	Used          map[string]map[string]any
	Env           map[string]string
	Frozen        bool
	AlwaysChanged bool
	Desc          string
	Meta          any // as paramfile decodes it, nil when there is none

	raw map[string]any // JSON key → what stands there when it is no text
}

// Address names the stage from the root: its name, with "dir/file:" before it
// when the file is not mlops.yaml or dvc.yaml of the root.
func (s *Stage) Address() string {
	if s.File == FileName || s.File == DVCFileName {
		return s.Name
	}
	return s.File + ":" + s.Name
}

// Lock is the path of the lock that holds the stage's record.
func (s *Stage) Lock() string { return path.Join(path.Dir(s.File), LockName) }

// Dep is a file or directory that a stage reads.
type Dep struct {
	Path string // relative to the root; absolute paths and URLs as written
	Text string // the path as written, relative to wdir
	Pos  Pos
	Glob bool // Path is a pattern; only in mlops.yaml
}

// Out is a file or directory that a stage writes.
type Out struct {
	Path    string // relative to the root; absolute paths and URLs as written
	Text    string // the path as written, relative to wdir
	Pos     Pos
	NoCache bool // kept in git, or nowhere, rather than in the store
	Persist bool // not removed before the stage runs
	NoPush  bool
	Remote  string
	Desc    string
	Type    string
	Labels  []string
	Meta    any
	Metric  bool
	Plot    bool
	Props   []PlotProps // how to draw a plot; empty is by default

	section string         // where it is declared
	raw     map[string]any // JSON key → what stands there when it is no text
}

// PlotProps says how to draw one plot.
type PlotProps struct {
	Template, X, Y, XLabel, YLabel, Title string
	Header                                *bool

	raw map[string]any // JSON key → what stands there when it is no text
}

// Plot is an entry of the top-level plots of a file: a path, or an id with
// axes. Def is the definition as paramfile decodes it, nil when there is none.
type Plot struct {
	ID  string
	Def any
}

// Dataset is an entry of the top-level datasets of a file, which stages name as
// ds://NAME in their deps.
type Dataset struct {
	Name string
	Def  any // the whole entry as paramfile decodes it
}

// Artifact is an entry of the top-level artifacts of a file.
type Artifact struct {
	Name, Path, Type, Desc string
	Labels                 []string
	Meta                   any
}
