package stagefile

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/paramfile"
)

// RemoveStages returns the text of the pipeline file name without the stages;
// everything else stays as it was. A name that is not there is errs.NotFound.
func RemoveStages(name string, text []byte, stages ...string) ([]byte, error) {
	e, doc, err := open(name, text)
	if err != nil {
		return nil, err
	}
	var gone [][2]int // from line, before line; counted from 0
	for _, s := range stages {
		_, from, end, err := e.find(doc, s, "remove")
		if err != nil {
			return nil, err
		}
		for end < len(e.lines) && strings.TrimSpace(e.lines[end]) == "" {
			end++ // the empty lines after it go along, those before it stay
		}
		gone = append(gone, [2]int{e.headOf(from), end})
	}
	slices.SortFunc(gone, func(a, b [2]int) int { return b[0] - a[0] })
	for _, g := range slices.CompactFunc(gone, func(a, b [2]int) bool { return a == b }) {
		e.lines = slices.Delete(e.lines, g[0], g[1])
	}
	if after, err := paramfile.YAMLDocument(e.text()); err == nil {
		if key, left := child(after, "stages"); left != nil && isNull(left) { // nothing is no mapping
			line := &e.lines[key.Line-1]
			*line = strings.Replace(*line, "stages:", "stages: {}", 1)
		}
	}
	return e.text(), nil
}

// EditStage returns the text of the pipeline file name with fields of the
// stage s.Name replaced: those that s gives, and those in clear, which go.
// Comments, order and all other lines stay; of a list the items that stay keep
// their lines.
func EditStage(name string, text []byte, s NewStage, clear []string) ([]byte, error) {
	e, doc, err := open(name, text)
	if err != nil {
		return nil, err
	}
	fields, err := s.fields()
	if err != nil {
		return nil, err
	}
	for _, key := range clear {
		if key == "cmd" {
			return nil, errs.New(errs.Usage, "edit stage %s: a stage needs its cmd", s.Name)
		}
		fields = append(fields, field{key: key})
	}
	for _, f := range fields {
		body, _, end, err := e.find(doc, s.Name, "edit")
		if err != nil {
			return nil, err
		}
		if body.Kind != yaml.MappingNode {
			return nil, errs.New(errs.Usage, "edit stage %s: it is not a block of lines in %s", s.Name, name).
				Hint("edit it by hand: mlops stage edit %s", s.Name)
		}
		if key, do := child(body, "do"); do != nil && do.Kind == yaml.MappingNode {
			if next := following(body, key); next != nil {
				end = e.trim(next.Line-1, key.Column-1)
			}
			body = do
		}
		if body.Style&yaml.FlowStyle != 0 {
			return nil, errs.New(errs.Usage, "edit stage %s: it is not a block of lines in %s", s.Name, name).
				Hint("edit it by hand: mlops stage edit %s", s.Name)
		}
		if err := e.setField(body, f, end); err != nil {
			return nil, err
		}
		if doc, err = paramfile.YAMLDocument(e.text()); err != nil {
			return nil, errs.New(errs.Usage, "edit stage %s: %w", s.Name, err).Hint("edit it by hand: mlops stage edit %s", s.Name)
		}
	}
	return e.text(), nil
}

// open parses a pipeline file for line-wise changes.
func open(name string, text []byte) (*editor, *yaml.Node, error) {
	doc, err := paramfile.YAMLDocument(text)
	if err != nil {
		src := newSource(name, text)
		return nil, nil, src.fail([]*problem{src.syntax(err)})
	}
	e := &editor{name: name, lines: strings.SplitAfter(string(text), "\n")}
	if n := len(e.lines); n > 0 && e.lines[n-1] == "" {
		e.lines = e.lines[:n-1]
	} else if n > 0 && !strings.HasSuffix(e.lines[n-1], "\n") {
		e.lines[n-1] += "\n"
	}
	return e, doc, nil
}

func (e *editor) text() []byte { return []byte(strings.Join(e.lines, "")) }

// find returns the body of a stage and its lines: from the one of its name up
// to, not including, end.
func (e *editor) find(doc *yaml.Node, stage, verb string) (body *yaml.Node, from, end int, err error) {
	top, stages := child(doc, "stages")
	key, body := child(stages, stage)
	if body == nil {
		var known []string
		if stages != nil && stages.Kind == yaml.MappingNode {
			for i := 0; i < len(stages.Content); i += 2 {
				known = append(known, stages.Content[i].Value)
			}
		}
		return nil, 0, 0, errs.New(errs.NotFound, "%s stage %s: %s has no stage of that name", verb, stage, e.name).DidYouMean(stage, known)
	}
	if stages.Style&yaml.FlowStyle != 0 {
		return nil, 0, 0, errs.New(errs.Usage, "%s stage %s: stages in %s is not a block of lines", verb, stage, e.name).
			Hint("edit %s by hand", e.name)
	}
	end = e.endOf(doc, top)
	if next := following(stages, key); next != nil {
		end = e.trim(next.Line-1, key.Column-1)
	}
	return body, key.Line - 1, end, nil
}

// headOf steps back over the comments right above a line, which are about it.
func (e *editor) headOf(line int) int {
	indent := len(e.lines[line]) - len(strings.TrimLeft(e.lines[line], " "))
	for line > 0 {
		above := e.lines[line-1]
		text := strings.TrimLeft(above, " ")
		if !strings.HasPrefix(text, "#") || len(above)-len(text) != indent {
			return line
		}
		line--
	}
	return line
}

// setField replaces, adds or, without a value, removes a field of a stage,
// whose lines end before end.
func (e *editor) setField(body *yaml.Node, f field, end int) error {
	indent := body.Column - 1
	key, old := child(body, f.key)
	if key == nil {
		if f.value == nil {
			return nil
		}
		lines, err := e.fieldLines(f, indent)
		if err != nil {
			return err
		}
		e.lines = slices.Insert(e.lines, e.trim(end, indent), lines...)
		return nil
	}
	from := key.Line - 1
	if next := following(body, key); next != nil {
		end = e.trim(next.Line-1, indent)
	}
	end = e.trim(end, 0)
	if f.value == nil {
		e.lines = slices.Delete(e.lines, from, end)
		return nil
	}
	lines, err := e.fieldLines(f, indent)
	if err != nil {
		return err
	}
	if f.value.Kind == yaml.SequenceNode && old.Kind == yaml.SequenceNode && old.Style&yaml.FlowStyle == 0 && len(old.Content) > 0 {
		if lines, err = e.mergeList(lines[0], f.value, old, end); err != nil {
			return err
		}
	} else if old.LineComment != "" && len(lines) == 1 {
		lines[0] = strings.TrimSuffix(lines[0], "\n") + "  " + old.LineComment + "\n"
	}
	e.lines = slices.Replace(e.lines, from, end, lines...)
	return nil
}

// mergeList writes the items of a list anew; one that was there keeps its
// lines and the comments above it. Head is the line of the key.
func (e *editor) mergeList(head string, wanted, old *yaml.Node, end int) ([]string, error) {
	kept := map[string][]string{}
	for i, x := range old.Content {
		stop := end
		if i+1 < len(old.Content) {
			stop = e.headOf(old.Content[i+1].Line - 1)
		}
		id, err := paramfile.EncodeYAML(bare(x))
		if err != nil {
			return nil, err
		}
		kept[string(id)] = e.lines[e.headOf(x.Line-1):stop]
	}
	indent := strings.Repeat(" ", max(old.Column-1, 0))
	lines := []string{e.lines[old.Content[0].Line-2]}
	if e.headOf(old.Content[0].Line-1) != old.Content[0].Line-1 || strings.TrimSpace(lines[0]) == "" {
		lines[0] = head
	}
	for _, x := range wanted.Content {
		id, err := paramfile.EncodeYAML(bare(x))
		if err != nil {
			return nil, err
		}
		if same, ok := kept[string(id)]; ok {
			lines = append(lines, same...)
			continue
		}
		text, err := paramfile.EncodeYAML(&yaml.Node{Kind: yaml.SequenceNode, Content: []*yaml.Node{x}})
		if err != nil {
			return nil, err
		}
		for line := range strings.Lines(string(text)) {
			lines = append(lines, indent+line)
		}
	}
	return lines, nil
}

// bare is a node without its comments and style, so that equal values are
// written the same.
func bare(n *yaml.Node) *yaml.Node {
	out := &yaml.Node{Kind: n.Kind, Tag: n.Tag, Value: n.Value, Alias: n.Alias}
	if n.Kind == yaml.ScalarNode {
		if text, ok := paramfile.Scalar(n).(string); ok {
			out = str(text)
		}
	}
	for _, x := range n.Content {
		out.Content = append(out.Content, bare(x))
	}
	return out
}
