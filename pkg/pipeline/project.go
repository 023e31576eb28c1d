package pipeline

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/mlops-cli/mlops/pkg/dag"
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/stagefile"
)

// Project is every pipeline file of a repository and the graph of its stages.
type Project struct {
	Files  []*stagefile.File
	Stages []*stagefile.Stage // in the order of files and of their lines
	Graph  *dag.Graph         // of addresses
	Order  []string           // addresses, each after all that it depends on

	waits     *dag.Graph // Graph without what frozen stages depend on: they wait for nothing
	byAddress map[string]*stagefile.Stage
	producer  map[string]string // path of an out → address of its stage
	places    []string          // that stages or pointers name as data, sorted

	expansions map[string]*expansion // of map stages, by address
	itemOf     map[string]string     // address of an item → that of its map stage

	early *earlyLocks // nil: none were read
}

// NewProject joins files to a graph. Two stages with one output, an output
// inside another, and a cycle are errors of kind errs.Usage.
func NewProject(files []*stagefile.File) (*Project, error) {
	return newProject(files, nil)
}

// newProject is NewProject with the items of map stages.
func newProject(files []*stagefile.File, expansions map[string]*expansion) (*Project, error) {
	p := collect(files, expansions)
	if err := p.claimOuts(); err != nil {
		return nil, err
	}
	if err := p.matchOuts(); err != nil {
		return nil, err
	}
	p.connect()
	p.connectMaps()
	order, err := p.Graph.Order()
	if err != nil {
		return nil, p.cycle(err)
	}
	p.Order = order
	return p, p.checkPointers()
}

// checkPointers refuses pointers that import what a stage makes of their data.
func (p *Project) checkPointers() error {
	var g *dag.Graph
	for _, f := range p.Files {
		if f.Pointer == nil || len(f.Pointer.Deps) == 0 {
			continue
		}
		if g == nil {
			g = p.Graph.Clone()
		}
		for _, in := range f.Pointer.Deps {
			if from, ok := p.Producer(in); ok && !stagefile.IsExternal(in) {
				g.Depend(f.Path, from)
			}
		}
		for _, s := range p.Stages {
			for _, d := range s.Deps {
				for _, data := range f.Pointer.Outs {
					if d.Path == data || strings.HasPrefix(d.Path, data+"/") || strings.HasPrefix(data, d.Path+"/") {
						g.Depend(s.Address(), f.Path)
					}
				}
			}
		}
	}
	if g == nil {
		return nil
	}
	if _, err := g.Order(); err != nil {
		return errs.New(errs.Usage, "%w", err)
	}
	return nil
}

// collect gathers the stages of files.
func collect(files []*stagefile.File, expansions map[string]*expansion) *Project {
	p := &Project{
		Files: files, byAddress: map[string]*stagefile.Stage{}, producer: map[string]string{},
		expansions: map[string]*expansion{}, itemOf: map[string]string{},
	}
	add := func(s *stagefile.Stage) {
		p.Stages = append(p.Stages, s)
		p.byAddress[s.Address()] = s
	}
	for _, f := range files {
		for i := range f.Stages {
			s := &f.Stages[i]
			add(s)
			if s.Map == "" {
				continue
			}
			x := expansions[s.Address()]
			if x == nil {
				x = &expansion{}
			}
			p.expansions[s.Address()] = x
			for k := range x.items {
				add(&x.items[k])
				p.itemOf[x.items[k].Address()] = s.Address()
			}
		}
	}
	return p
}

// Stage returns the stage at an address.
func (p *Project) Stage(address string) (*stagefile.Stage, bool) {
	s, ok := p.byAddress[address]
	return s, ok
}

// Producer returns the address of the stage that makes path, as an output or
// inside one.
func (p *Project) Producer(file string) (string, bool) {
	for at := file; ; at = path.Dir(at) {
		if s, ok := p.producer[at]; ok {
			return s, true
		}
		if at == "." || at == "/" {
			return "", false
		}
	}
}

// inside returns the paths below directory dir that stages or pointers name as data.
func (p *Project) inside(dir string) []string {
	if dir == "." {
		return p.places
	}
	from, _ := slices.BinarySearch(p.places, dir+"/")
	to, _ := slices.BinarySearch(p.places, dir+"0") // what sorts behind the slash
	return p.places[from:to]
}

func where(s *stagefile.Stage, pos stagefile.Pos) string {
	return fmt.Sprintf("%s:%d (stage %s)", s.File, pos.Line, s.Name)
}

// claimOuts notes who makes what, and refuses outs that overlap or that must
// not be written by a stage.
func (p *Project) claimOuts() error {
	places := map[string]string{}
	byDVC := map[string]string{} // data.mlops may stand beside data.dvc
	for _, f := range p.Files {
		if f.Pointer == nil {
			continue
		}
		for _, data := range f.Pointer.Outs {
			places[data] = f.Path
			if !strings.HasSuffix(f.Path, stagefile.DVCPointerExt) {
				continue
			}
			if first, taken := byDVC[data]; taken {
				return errs.New(errs.Usage, "%s is tracked twice: by %s and by %s", data, first, f.Path).Hint("remove one of the entries")
			}
			byDVC[data] = f.Path
		}
	}
	for _, s := range p.Stages {
		for _, o := range s.Outs {
			place := where(s, o.Pos)
			if err := checkOut(o.Path, place); err != nil {
				return err
			}
			if first, taken := places[o.Path]; taken && stagefile.IsPointer(first) {
				remove := "mlops rm"
				if strings.HasSuffix(first, stagefile.DVCPointerExt) {
					remove = "rm" // what DVC tracks is not ours to take off
				}
				return errs.New(errs.Usage, "output %s of %s is tracked as data by %s", o.Path, place, first).
					Hint("let the stage make it: %s %s", remove, first)
			} else if taken {
				return errs.New(errs.Usage, "output %s is declared twice: %s and %s", o.Path, first, place).
					Hint("let one stage write it and others depend on it")
			}
			places[o.Path], p.producer[o.Path] = place, s.Address()
		}
	}
	p.places = sortedKeys(places)
	for _, f := range p.Files {
		for at := f.Dir; at != "." && at != "/"; at = path.Dir(at) {
			if outer, ok := places[at]; ok {
				return errs.New(errs.Usage, "%s is inside output %s of %s", f.Path, at, outer).
					Hint("declare the files of %s one by one, or move %s out of it", at, f.Path)
			}
		}
	}
	for _, s := range p.Stages {
		for _, o := range s.Outs {
			if err := checkInside(places, o.Path, where(s, o.Pos)); err != nil {
				return err
			}
		}
	}
	for _, f := range p.Files {
		if f.Pointer == nil {
			continue
		}
		for _, data := range f.Pointer.Outs {
			if err := checkInside(places, data, f.Path); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkInside refuses an output inside another.
func checkInside(places map[string]string, out, place string) error {
	for at := path.Dir(out); at != "." && at != "/" && !stagefile.IsExternal(out); at = path.Dir(at) {
		if outer, ok := places[at]; ok {
			return errs.New(errs.Usage, "output %s of %s is inside output %s of %s", out, place, at, outer).
				Hint("declare the files of %s one by one, or move %s out of it", at, out)
		}
	}
	return nil
}

func checkOut(out, place string) error {
	first, _, _ := strings.Cut(out, "/")
	switch {
	case out == "." || first == ".git" || first == ".mlops":
		return errs.New(errs.Usage, "output %s of %s cannot be written by a stage", out, place)
	case strings.Trim(out, "./") == "":
		return errs.New(errs.Usage, "output %s of %s holds the whole repository", out, place)
	case stagefile.IsExternal(out) || first == "..":
		return nil // refused when the stage is to run: a project with one can be read
	}
	return nil
}

// connect adds an edge where a dependency is, holds, or stands in an output.
func (p *Project) connect() {
	p.Graph, p.waits = dag.New(), dag.New()
	for _, s := range p.Stages {
		p.Graph.Add(s.Address())
		p.waits.Add(s.Address())
	}
	holders := map[string][]string{} // directory → outs below it
	for out := range p.producer {
		for at := path.Dir(out); at != "." && at != "/"; at = path.Dir(at) {
			holders[at] = append(holders[at], out)
		}
		holders["."] = append(holders["."], out)
	}
	for _, s := range p.Stages {
		from, seen := s.Address(), map[string]bool{}
		depend := func(on string) {
			if !seen[on] {
				seen[on] = true
				p.Graph.Depend(from, on)
				if !s.Frozen {
					p.waits.Depend(from, on)
				}
			}
		}
		for _, in := range inputPaths(s) {
			if on, ok := p.Producer(in); ok {
				depend(on)
				continue
			}
			inside := holders[in]
			slices.Sort(inside)
			for _, out := range inside {
				depend(p.producer[out])
			}
		}
	}
}

// inputPaths are the dependencies and parameter files of a stage, each once.
func inputPaths(s *stagefile.Stage) []string {
	paths := make([]string, 0, len(s.Deps)+len(s.Params))
	for _, d := range s.Deps {
		if !slices.Contains(paths, d.Path) {
			paths = append(paths, d.Path)
		}
	}
	for _, file := range sortedKeys(s.Params) {
		if !slices.Contains(paths, file) {
			paths = append(paths, file)
		}
	}
	return paths
}

func (p *Project) cycle(err error) error {
	var c *dag.CycleError
	if !errors.As(err, &c) {
		return err
	}
	e := errs.New(errs.Usage, "%w", err)
	for i, name := range c.Path[:len(c.Path)-1] {
		s, on := p.byAddress[name], c.Path[i+1]
		for _, d := range s.Deps {
			if made, ok := p.Producer(d.Path); ok && made == on {
				e.Hint("%s reads %s, which %s writes", where(s, d.Pos), d.Path, on)
				break
			}
		}
	}
	return e
}

// Targets turns words into addresses, in the order of the graph: an address, a
// name from the directory dir, a group, a pipeline file or an output.
func (p *Project) Targets(words []string, dir string) ([]string, error) {
	chosen := map[string]bool{}
	for _, word := range words {
		found := p.target(word, dir)
		if len(found) == 0 {
			known := slices.Clone(p.Order)
			for _, s := range p.Stages {
				known = append(known, s.Name)
				if s.Group != "" {
					known = append(known, s.Group)
				}
			}
			slices.Sort(known)
			return nil, errs.New(errs.NotFound, "no stage %q", word).DidYouMean(word, slices.Compact(known)).
				Hint("see the stages: mlops stage ls")
		}
		for _, a := range found {
			chosen[a] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(p.Order), func(a string) bool { return !chosen[a] }), nil
}

func (p *Project) target(word, dir string) []string {
	if dir == "" {
		dir = "."
	}
	for _, a := range []string{path.Join(dir, stagefile.FileName) + ":" + word, path.Join(dir, stagefile.DVCFileName) + ":" + word, word} {
		if _, ok := p.byAddress[a]; ok {
			return p.withItems(a)
		}
		// An item may come to be when its list is written.
		if group, _, isItem := strings.Cut(a, "@"); isItem && p.expansions[group] != nil && !p.expansions[group].final {
			return []string{group}
		}
	}
	if dir != "." && strings.Contains(word, ":") {
		if a := path.Join(dir, word); p.byAddress[a] != nil {
			return []string{a}
		}
	}
	var group, here, file []string
	at := path.Join(dir, word)
	for _, s := range p.Stages {
		a := s.Address()
		prefix := strings.TrimSuffix(a, s.Name)
		if s.Group != "" && (prefix+s.Group == word || s.Group == word && path.Dir(s.File) == dir) {
			group = append(group, a)
		}
		if s.File+":"+s.Name == word {
			return []string{a}
		}
		if s.File == at || s.File == word {
			file = append(file, a)
		}
		if s.Name == word || s.Group == word && s.Group != "" {
			here = append(here, a)
		}
	}
	if out, ok := p.producer[at]; ok && len(group)+len(file) == 0 {
		return []string{out}
	}
	if all := slices.Concat(group, file); len(all) > 0 {
		return all
	}
	return here
}
