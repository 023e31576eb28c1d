package pipeline

import "path"

// makers maps outs to the stages that make them, and finds those around a path
// without looking at all.
type makers struct {
	outs  map[string]string
	below map[string]string // directory → stage of an out in it
}

func newMakers() makers { return makers{outs: map[string]string{}, below: map[string]string{}} }

func (m makers) set(out, stage string) {
	if _, had := m.outs[out]; !had {
		for at := path.Dir(out); ; at = path.Dir(at) {
			if _, known := m.below[at]; known {
				break
			}
			m.below[at] = stage
			if at == "." || at == "/" {
				break
			}
		}
	}
	m.outs[out] = stage
}

func (m makers) empty() bool { return len(m.outs) == 0 }

// of names the stage that makes exactly p.
func (m makers) of(p string) string { return m.outs[p] }

// around names the stage whose out p is, holds or stands in; "" for none.
func (m makers) around(p string) string {
	if len(m.outs) == 0 {
		return ""
	}
	for at := p; ; at = path.Dir(at) {
		if s, ok := m.outs[at]; ok {
			return s
		}
		if at == "." || at == "/" {
			break
		}
	}
	return m.below[p]
}
