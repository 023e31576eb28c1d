package ui

import (
	"cmp"
	"html/template"
	"strconv"
	"strings"

	"github.com/mlops-cli/mlops/pkg/release"
)

// A drawing of lineage goes so far.
const (
	lineageDepth = 4  // runs back
	lineageWidth = 30 // things that one run read, runs that used one thing
)

// lineageGraph is where a version comes from and what used it.
type lineageGraph struct {
	*graph

	link func(path string) string // the page of data, "" for none
}

// drawLineage draws data, code and stages on the left, the version in the
// middle, and what used it on the right.
func drawLineage(l *release.Lineage, link func(path string) string) template.HTML {
	v := &l.Version
	g := lineageGraph{newGraph("Lineage of version " + strconv.Itoa(v.Number)), link}
	g.add(box{ID: "version", Title: v.Model, Sub: "version " + strconv.Itoa(v.Number), Class: "skip on"})
	if l.Run != nil {
		g.origin(l.Run, "version", 0)
	}
	for i := range l.UsedBy[:min(len(l.UsedBy), lineageWidth)] {
		g.use(&l.UsedBy[i])
	}
	if len(g.nodes) == 1 {
		return ""
	}
	return g.SVG()
}

// use draws a run that read the version, or a stage of the run that made it.
func (g *lineageGraph) use(use *release.Use) {
	id, b := "use "+use.RunID+" "+use.Stage, box{Title: use.Name, Sub: "run", Class: "skip", URL: "/runs/" + use.RunID}
	if use.Stage != "" {
		b = stageBox(use.RunID, use.Stage, use.Name)
		b.URL = stageURL(use.RunID, use.Stage)
	}
	b.ID = id
	g.add(b)
	g.connect("version", id)
	for _, m := range use.Models {
		g.version(m)
		g.connect(id, nameID(m))
	}
}

func stageBox(run, stage, of string) box {
	return box{ID: "stage " + run + " " + stage, Title: stage, Sub: "stage of " + cmp.Or(of, short(run)), Class: "skip"}
}

func stageURL(run, stage string) string { return "/runs/" + run + "/stages#stage-" + escapePath(stage) }

func nameID(n release.Name) string { return "model " + n.Model + " " + strconv.Itoa(n.Version) }

func (g *lineageGraph) version(n release.Name) {
	number := strconv.Itoa(n.Version)
	g.add(box{ID: nameID(n), Title: n.Model, Sub: "version " + number, Class: "skip", URL: "/models/" + escapePath(n.Model) + "/" + number})
}

// origin draws the run that made something, as its stages where they are known,
// with all that it read.
func (g *lineageGraph) origin(o *release.Origin, into string, depth int) {
	ends := g.stages(o, into)
	if len(ends) == 0 {
		ends = []string{into}
		if o.RunID != "" {
			b := box{ID: "run " + o.RunID, Title: cmp.Or(o.Name, short(o.RunID)), Sub: "run", Class: "skip"}
			if o.Known {
				b.URL = "/runs/" + o.RunID
			}
			g.add(b)
			g.connect(b.ID, into)
			ends = []string{b.ID}
		}
	}
	g.code(o, ends)
	for i := range o.Inputs[:min(len(o.Inputs), lineageWidth)] {
		if in := &o.Inputs[i]; !in.Code {
			g.input(o, in, ends, depth)
		}
	}
	for _, d := range o.Datasets[:min(len(o.Datasets), lineageWidth)] {
		id := "dataset " + d.Name + " " + d.Digest
		g.add(box{ID: id, Title: d.Name, Sub: strings.TrimSpace(d.Context + " " + short(d.Digest)), Class: "data none"})
		g.feed(id, ends)
	}
	for i := range o.Models[:min(len(o.Models), lineageWidth)] {
		g.read(&o.Models[i], ends, depth)
	}
}

// stages draws by which stages something came about, and returns those that made
// it, nothing where no stages are known.
func (g *lineageGraph) stages(o *release.Origin, into string) (ends []string) {
	for _, s := range o.Steps {
		b := stageBox(o.RunID, s.Stage, o.Name)
		if o.Known {
			b.URL = stageURL(o.RunID, s.Stage)
		}
		g.add(b)
	}
	for i, s := range o.Steps {
		from, read := stageBox(o.RunID, s.Stage, "").ID, false
		for j, next := range o.Steps {
			if i != j && overlap(s.Writes, next.Reads) {
				g.connect(from, stageBox(o.RunID, next.Stage, "").ID)
				read = true
			}
		}
		if !read {
			g.connect(from, into)
			ends = append(ends, from)
		}
	}
	return ends
}

// readers are the stages that read one of some paths.
func readers(o *release.Origin, paths ...string) (ids []string) {
	for _, s := range o.Steps {
		if overlap(paths, s.Reads) {
			ids = append(ids, stageBox(o.RunID, s.Stage, "").ID)
		}
	}
	return ids
}

// overlap reports whether a path of one list is one of the other, lies in it, or
// holds it.
func overlap(some, others []string) bool {
	for _, a := range some {
		for _, b := range others {
			if a == b || strings.HasPrefix(a, b+"/") || strings.HasPrefix(b, a+"/") {
				return true
			}
		}
	}
	return false
}

// feed connects a box with others.
func (g *lineageGraph) feed(id string, into []string) {
	for _, to := range into {
		g.connect(id, to)
	}
}

// code draws the commit of a run into the stages that read its files.
func (g *lineageGraph) code(o *release.Origin, ends []string) {
	c := o.Git.Commit
	if c == "" {
		return
	}
	var files []string
	for i := range o.Inputs {
		if o.Inputs[i].Code {
			files = append(files, o.Inputs[i].Path)
		}
	}
	sub := "commit"
	if len(files) > 0 {
		sub += ", " + plural(len(files), "file", "files")
	}
	if to := readers(o, files...); len(to) > 0 {
		ends = to
	}
	g.add(box{ID: "commit " + c, Title: short(c), Sub: sub, Class: "data none"})
	g.feed("commit "+c, ends)
}

// input draws data that a run read, and where that came from.
func (g *lineageGraph) input(o *release.Origin, in *release.Input, ends []string, depth int) {
	id := "data " + in.Path + " " + in.ID.String()
	g.add(box{ID: id, Title: in.Path, Sub: short(in.ID) + " · " + byteSize(in.Size), Class: "data none", URL: g.link(in.Path)})
	if to := readers(o, in.Path); len(to) > 0 {
		ends = to
	}
	g.feed(id, ends)
	g.made(in.Made, in.Model, id, depth)
}

// read draws a logged model that a run read, and the run that made it.
func (g *lineageGraph) read(m *release.Read, ends []string, depth int) {
	id := "logged " + m.ID
	g.add(box{ID: id, Title: cmp.Or(m.Name, short(m.ID)), Sub: "logged model", Class: "data none"})
	g.feed(id, ends)
	g.made(m.Made, m.Models, id, depth)
}

// made draws which versions something is, and the run that made it.
func (g *lineageGraph) made(by *release.Origin, versions []release.Name, id string, depth int) {
	for _, n := range versions {
		g.version(n)
		g.connect(nameID(n), id)
	}
	if by == nil || depth >= lineageDepth {
		return
	}
	if len(versions) > 0 {
		id = nameID(versions[0])
	}
	g.origin(by, id, depth+1)
}
