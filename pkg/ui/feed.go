package ui

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/mlops-cli/mlops/pkg/track"
)

// feed is runs by columns, as small as it goes: what repeats is a number in a
// list of values, times are differences, and ids are as long as they must be to
// be told apart.
type feed struct {
	Now     int64     `json:"now"`  // ms
	More    bool      `json:"more"` // there are older runs
	Width   int       `json:"width"`
	IDs     string    `json:"ids"` // without separators
	Names   []string  `json:"names"`
	Status  string    `json:"status"` // a letter each
	Start   []int64   `json:"start"`  // s, each less the one before it
	Took    []value   `json:"took"`   // s; null while it runs
	Parent  []int     `json:"parent,omitempty"`
	Columns []column  `json:"cols"`
	Keys    []keyInfo `json:"keys,omitempty"`
	Shown   []string  `json:"shown,omitempty"` // the columns that are shown when nobody chose
}

// column is the values of one key: numbers, or indexes into the texts that
// there are, -1 for none.
type column struct {
	Key    string   `json:"key"`
	Values []value  `json:"v,omitempty"`
	Index  []int    `json:"i,omitempty"`
	Texts  []string `json:"t,omitempty"`
}

// keyInfo is a key that runs have.
type keyInfo struct {
	Key    string   `json:"key"`
	Count  int      `json:"n"`           // runs that have it
	Texts  []string `json:"t,omitempty"` // some of its values, for completion
	varies bool
}

// value is a number, or none.
type value struct {
	number float64
	ok     bool
}

// MarshalJSON writes null for none, and a word for what JSON has no number for.
func (v value) MarshalJSON() ([]byte, error) {
	if !v.ok {
		return []byte("null"), nil
	}
	return track.Value(v.number).MarshalJSON()
}

// rounded keeps so many significant digits; 0 is all.
func rounded(f float64, digits int) value {
	if digits > 0 && !math.IsNaN(f) && !math.IsInf(f, 0) {
		if r, err := strconv.ParseFloat(strconv.FormatFloat(f, 'g', digits, 64), 64); err == nil {
			f = r
		}
	}
	return value{f, true}
}

// exactRows is up to how many rows numbers come in full, and more columns are
// shown when nobody chose.
const exactRows = 1000

// newFeed makes columns of runs, whose ids are cut to width. Without chosen
// columns it chooses.
func newFeed(runs []track.Run, chosen []string, width int, now int64) feed {
	f := feed{Now: now, Width: width, Keys: keysOf(runs)}
	ids, status := strings.Builder{}, strings.Builder{}
	var last int64
	at := make(map[string]int, len(runs))
	nested := false
	for i := range runs {
		at[runs[i].ID] = i
		nested = nested || runs[i].Parent != ""
	}
	for i := range runs {
		r := &runs[i]
		ids.WriteString(r.ID[:f.Width])
		status.WriteByte(statusLetter(r.Status))
		f.Names = append(f.Names, r.Name)
		start := r.StartTime / 1000
		f.Start = append(f.Start, start-last)
		last = start
		var took value
		if r.EndTime > 0 {
			took = rounded(float64(r.EndTime-r.StartTime)/1000, 3)
		}
		f.Took = append(f.Took, took)
		if nested {
			parent, ok := at[r.Parent]
			if !ok {
				parent = -1
			}
			f.Parent = append(f.Parent, parent)
		}
	}
	f.IDs, f.Status = ids.String(), status.String()
	if chosen == nil {
		f.Shown = f.choose(len(runs))
		chosen = f.Shown
	}
	digits := 0
	if len(runs) > exactRows {
		digits = 5
	}
	for _, key := range chosen {
		f.Columns = append(f.Columns, newColumn(runs, key, digits))
	}
	return f
}

// idWidth is how many digits tell runs apart, twelve at least: a link with them
// names its run.
func idWidth(runs []track.Run) int {
	for width := 12; width < 32; width += 4 {
		seen := make(map[string]bool, len(runs))
		for i := range runs {
			seen[runs[i].ID[:width]] = true
		}
		if len(seen) == len(runs) {
			return width
		}
	}
	return 32
}

func statusLetter(s track.Status) byte {
	switch s {
	case track.Running:
		return 'R'
	case track.Scheduled:
		return 'S'
	case track.Finished:
		return 'F'
	case track.Failed:
		return 'X'
	case track.Killed:
		return 'K'
	}
	return '?'
}

// choose picks what differs: metrics, params and what tells whose runs these
// are. Many rows get fewer columns, so that the first look stays light.
func (f *feed) choose(rows int) []string {
	limit := 6
	if rows > exactRows {
		limit = 3
	}
	var out []string
	pick := func(prefix string, limit int, fits func(k keyInfo) bool) {
		for _, k := range f.Keys {
			if limit > 0 && strings.HasPrefix(k.Key, prefix) && fits(k) {
				out = append(out, k.Key)
				limit--
			}
		}
	}
	pick("attributes.experiment", 1, func(k keyInfo) bool { return k.varies })
	pick("attributes.user", 1, func(k keyInfo) bool { return k.varies })
	pick("metrics.", limit, func(k keyInfo) bool { return !strings.HasPrefix(k.Key, "metrics.system/") })
	pick("params.", limit, func(k keyInfo) bool { return k.varies })
	pick("tags.", 2, func(k keyInfo) bool { return !strings.HasPrefix(k.Key, "tags.mlflow.") })
	return out
}

// keysOf lists what runs have, the most frequent first.
func keysOf(runs []track.Run) []keyInfo {
	type seen struct {
		count int
		texts map[string]bool
	}
	all := map[string]*seen{}
	note := func(key, text string, isText bool) {
		s := all[key]
		if s == nil {
			s = &seen{}
			all[key] = s
			if isText {
				s.texts = map[string]bool{}
			}
		}
		s.count++
		if isText && len(s.texts) < 40 && len(text) <= 80 {
			s.texts[text] = true
		}
	}
	for i := range runs {
		r := &runs[i]
		for _, m := range r.Metrics {
			note("metrics."+m.Key, "", false)
		}
		for _, p := range r.Params {
			note("params."+p.Key, p.Value, true)
		}
		for _, t := range r.Tags {
			note("tags."+t.Key, t.Value, true)
		}
		for _, key := range textAttributes() {
			if v := attribute(r, key); v != "" {
				note("attributes."+key, v, true)
			}
		}
	}
	out := make([]keyInfo, 0, len(all))
	for key, s := range all {
		k := keyInfo{Key: key, Count: s.count, varies: s.texts == nil || len(s.texts) > 1}
		for text := range s.texts {
			k.Texts = append(k.Texts, text)
		}
		slices.Sort(k.Texts)
		k.Texts = k.Texts[:min(len(k.Texts), 20)]
		out = append(out, k)
	}
	slices.SortFunc(out, func(a, b keyInfo) int { return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Key, b.Key)) })
	return out
}

// textAttributes are the attributes that may be columns of their own.
func textAttributes() []string {
	return []string{"experiment", "user", "kind", "source", "commit", "branch", "note"}
}

func attribute(r *track.Run, key string) string {
	switch key {
	case "experiment":
		return r.Experiment
	case "user":
		return r.User
	case "kind":
		return string(r.Kind)
	case "source":
		return r.Source
	case "commit":
		return r.Git.Commit
	case "branch":
		return r.Git.Branch
	case "note":
		return r.Note
	}
	return ""
}

func newColumn(runs []track.Run, key string, digits int) column {
	c := column{Key: key}
	entity, name, _ := strings.Cut(key, ".")
	if entity == string(track.Metrics) {
		c.Values = make([]value, len(runs))
		for i := range runs {
			if m, ok := runs[i].Metric(name); ok {
				c.Values[i] = rounded(float64(m.Value), digits)
			}
		}
		return c
	}
	at := map[string]int{}
	c.Index = make([]int, len(runs))
	for i := range runs {
		value, ok := textOf(&runs[i], entity, name)
		if !ok {
			c.Index[i] = -1
			continue
		}
		n, known := at[value]
		if !known {
			n = len(c.Texts)
			at[value] = n
			c.Texts = append(c.Texts, value)
		}
		c.Index[i] = n
	}
	return c
}

func textOf(r *track.Run, entity, name string) (string, bool) {
	switch entity {
	case string(track.Params):
		return r.Param(name)
	case string(track.Tags):
		for _, t := range r.Tags {
			if t.Key == name {
				return t.Value, true
			}
		}
	case string(track.Attributes):
		v := attribute(r, name)
		return v, v != ""
	}
	return "", false
}
