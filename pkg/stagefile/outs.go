package stagefile

import (
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/mlops-cli/mlops/pkg/paramfile"
)

// setOuts reads outs, metrics or plots.
func (b *builder) setOuts(section string, n *yaml.Node) error {
	for _, x := range follow(n).Content {
		if isText(x) {
			if err := b.addOut(section, x, nil); err != nil {
				return err
			}
			continue
		}
		ps, err := pairs(x, section)
		if err != nil {
			return err
		}
		for _, p := range ps {
			if err := b.addOut(section, p.key, p.val); err != nil {
				return err
			}
		}
	}
	return nil
}

// addOut reads one out: the node of its path and that of its options, nil
// when it has none. The options of one that is there already are added to it.
func (b *builder) addOut(section string, name, options *yaml.Node) error {
	p, text, err := b.data(name, section)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(b.Outs, func(o Out) bool { return o.section == section && o.Text == text })
	if i < 0 {
		i = len(b.Outs)
		b.Outs = append(b.Outs, Out{Path: p, Text: text, Pos: Pos{name.Line, name.Column}, Metric: section == "metrics", Plot: section == "plots", section: section})
	}
	if options == nil {
		return nil
	}
	return b.outOptions(&b.Outs[i], section, options)
}

func (b *builder) outOptions(o *Out, section string, n *yaml.Node) error {
	ps, err := pairs(n, section)
	if err != nil {
		return err
	}
	var props PlotProps
	if len(o.Props) > 0 {
		props = o.Props[0]
	}
	drawn := false
	texts := map[string]*string{
		"remote": &o.Remote, "desc": &o.Desc, "type": &o.Type,
		"template": &props.Template, "x": &props.X, "y": &props.Y,
		"x_label": &props.XLabel, "y_label": &props.YLabel, "title": &props.Title,
	}
	for _, p := range ps {
		if to, ok := texts[p.name]; ok {
			raw := &o.raw
			if p.name != "remote" && p.name != "desc" && p.name != "type" {
				raw, drawn = &props.raw, true
			}
			if *to, err = b.typed(raw, p.name, p.val); err != nil {
				return err
			}
			continue
		}
		switch p.name {
		case "cache":
			o.NoCache = !flag(p.val)
		case "persist":
			o.Persist = flag(p.val)
		case "push":
			o.NoPush = !flag(p.val)
		case "header":
			v := flag(p.val)
			props.Header, drawn = &v, true
		case "labels":
			if err := b.labels(o, p.val); err != nil {
				return err
			}
		case "meta":
			if o.Meta, err = b.any(p.val, "meta"); err != nil {
				return err
			}
		}
	}
	if drawn {
		o.Props = []PlotProps{props}
	}
	return nil
}

func (b *builder) labels(o *Out, n *yaml.Node) error {
	o.Labels = nil
	var values []any
	texts := true
	for _, x := range follow(n).Content {
		v, err := b.scope.scalar(x, "labels")
		if err != nil {
			return err
		}
		if _, ok := v.(string); !ok {
			texts = false
		}
		o.Labels, values = append(o.Labels, paramfile.Text(v)), append(values, v)
	}
	if !texts {
		note(&o.raw, "labels", values)
	}
	return nil
}

// sections reads the top-level params, metrics, plots and artifacts.
func (l *loader) sections(top []pair) error {
	for _, to := range []struct {
		name string
		list *[]string
	}{{"params", &l.file.Params}, {"metrics", &l.file.Metrics}} {
		n, ok := lookup(top, to.name)
		if !ok {
			continue
		}
		for _, x := range follow(n).Content {
			v, err := l.scope.resolve(x, 0)
			if err != nil {
				return err
			}
			for _, text := range v.texts() {
				if p := rel(l.file.Dir, text); !slices.Contains(*to.list, p) {
					*to.list = append(*to.list, p)
				}
			}
		}
	}
	if n, ok := lookup(top, "datasets"); ok {
		if err := l.datasets(n); err != nil {
			return err
		}
	}
	if n, ok := lookup(top, "pools"); ok {
		if err := l.pools(n); err != nil {
			return err
		}
	}
	if n, ok := lookup(top, "models"); ok {
		if err := l.models(n); err != nil {
			return err
		}
	}
	if n, ok := lookup(top, "plots"); ok {
		if err := l.topPlots(n); err != nil {
			return err
		}
	}
	if n, ok := lookup(top, "artifacts"); ok {
		return l.artifacts(n)
	}
	return nil
}

// texts are the texts that v is or lists.
func (v *value) texts() []string {
	if text, ok := v.scalar.(string); ok {
		return []string{text}
	}
	var out []string
	for _, x := range v.list {
		out = append(out, x.texts()...)
	}
	return out
}

// datasets reads the entries that have a name; DVC asks for no more.
func (l *loader) datasets(n *yaml.Node) error {
	v, err := l.scope.resolve(n, 0)
	if err != nil {
		return asProblem(err, n)
	}
	if _, isText := v.scalar.(string); v.isScalar() && !isText {
		return at(n, "datasets: expected a list, found %s", describe(n))
	}
	for _, x := range v.list {
		if name, ok := x.dict["name"]; ok && name.isScalar() {
			l.file.Datasets = append(l.file.Datasets, Dataset{Name: textOf(name), Def: x.plain()})
		}
	}
	return nil
}

func (l *loader) topPlots(n *yaml.Node) error {
	for _, x := range follow(n).Content {
		v, err := l.scope.resolve(x, 0)
		if err != nil {
			return err
		}
		for _, id := range v.texts() {
			l.file.Plots = append(l.file.Plots, Plot{ID: id})
		}
		for _, id := range v.keys {
			l.file.Plots = append(l.file.Plots, Plot{ID: id, Def: v.dict[id].plain()})
		}
	}
	return nil
}

func (l *loader) artifacts(n *yaml.Node) error {
	ps, err := pairs(n, "artifacts")
	if err != nil {
		return err
	}
	for _, p := range ps {
		b := &builder{scope: *l.scope, Stage: Stage{Wdir: l.file.Dir}}
		var o Out
		in, err := pairs(p.val, "artifact")
		if err != nil {
			return err
		}
		if err := b.outOptions(&o, "artifact", p.val); err != nil {
			return err
		}
		a := Artifact{Type: o.Type, Desc: o.Desc, Labels: o.Labels, Meta: o.Meta}
		if a.Name, err = l.scope.name(p.key, "artifact"); err != nil {
			return err
		}
		where, _ := lookup(in, "path")
		if a.Path, _, err = b.path(where, "path"); err != nil {
			return err
		}
		l.file.Artifacts = append(l.file.Artifacts, a)
	}
	return nil
}
