package stagefile

import (
	"slices"

	"go.yaml.in/yaml/v3"
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
// when it has none.
func (b *builder) addOut(section string, name, options *yaml.Node) error {
	p, err := b.path(name, section)
	if err != nil {
		return err
	}
	o := Out{Path: p, Pos: Pos{name.Line, name.Column}, Metric: section == "metrics", Plot: section == "plots"}
	variants := []*yaml.Node{options}
	if options != nil {
		if m := follow(options); m.Kind == yaml.SequenceNode {
			variants = m.Content
		}
	}
	for _, v := range variants {
		if v == nil {
			continue
		}
		if err := b.outOptions(&o, section, v); err != nil {
			return err
		}
	}
	b.Outs = append(b.Outs, o)
	return nil
}

func (b *builder) outOptions(o *Out, section string, n *yaml.Node) error {
	ps, err := pairs(n, section)
	if err != nil {
		return err
	}
	var props PlotProps
	texts := map[string]*string{
		"remote": &o.Remote, "desc": &o.Desc, "type": &o.Type,
		"template": &props.Template, "x": &props.X, "y": &props.Y,
		"x_label": &props.XLabel, "y_label": &props.YLabel, "title": &props.Title,
	}
	for _, p := range ps {
		if to, ok := texts[p.name]; ok {
			if *to, err = b.scope.text(p.val, p.name); err != nil {
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
			props.Header = &v
		case "labels":
			for _, x := range follow(p.val).Content {
				label, err := b.scope.text(x, "labels")
				if err != nil {
					return err
				}
				o.Labels = append(o.Labels, label)
			}
		case "meta":
			if o.Meta, err = b.any(p.val, "meta"); err != nil {
				return err
			}
		}
	}
	if props != (PlotProps{}) {
		o.Props = append(o.Props, props)
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
			text, err := l.scope.text(x, to.name)
			if err != nil {
				return err
			}
			if p := rel(l.file.Dir, text); !slices.Contains(*to.list, p) {
				*to.list = append(*to.list, p)
			}
		}
	}
	if n, ok := lookup(top, "pools"); ok {
		if err := l.pools(n); err != nil {
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

func (l *loader) topPlots(n *yaml.Node) error {
	for _, x := range follow(n).Content {
		v, err := l.scope.resolve(x, 0)
		if err != nil {
			return err
		}
		if v.dict == nil {
			l.file.Plots = append(l.file.Plots, Plot{ID: textOf(v)})
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
		if a.Name, err = l.scope.text(p.key, "artifact"); err != nil {
			return err
		}
		where, _ := lookup(in, "path")
		if a.Path, err = b.path(where, "path"); err != nil {
			return err
		}
		l.file.Artifacts = append(l.file.Artifacts, a)
	}
	return nil
}
