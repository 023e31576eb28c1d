package stagefile

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/paramfile"
)

// ParseLock reads a lock. Name is its path, for errors, which are of kind
// errs.Corrupt and name the line. Lines of a stage that do not belong together
// make its record Doubled, which is no error.
func ParseLock(name string, b []byte) (*Lock, error) {
	p := lockParser{lock: NewLock(), text: string(b), byStage: map[string]*parsedRecord{}}
	for line, at := 1, 0; at < len(p.text); line++ {
		s := p.text[at:]
		p.start, at = at, len(p.text)
		if end := strings.IndexByte(s, '\n'); end >= 0 {
			s, at = s[:end], p.start+end+1
		}
		p.next = at
		s = strings.TrimSuffix(s, "\r")
		if err := p.line(s); err != nil {
			e := errs.New(errs.Corrupt, "read lock %s:%d: %w", name, line, err)
			if isConflictMark(s) {
				return nil, e.Hint("a git merge left its marks in %s: delete the marked lines, then 'mlops run' writes them anew", name)
			}
			return nil, e.Hint("delete the line, or take the file from git: git checkout -- %s", name)
		}
	}
	for _, r := range p.records {
		r.Doubled = r.Doubled || !p.whole(r)
	}
	return p.lock, nil
}

// whole reports whether the lines of a record are those that were written.
func (p *lockParser) whole(r *parsedRecord) bool {
	if r.sum == "" || r.twoSums {
		return false
	}
	if !r.scattered && r.sum == checkSumOf(r.Fingerprint, p.text[r.from:r.to]) {
		return true
	}
	return r.sum == checkSum(r.Fingerprint, r.lines())
}

func isConflictMark(s string) bool {
	return strings.HasPrefix(s, "<<<<<<<") || strings.HasPrefix(s, "=======") || strings.HasPrefix(s, ">>>>>>>") || strings.HasPrefix(s, "|||||||")
}

type lockParser struct {
	lock        *Lock
	text        string
	start, next int // of the line at hand, and of the one after it
	records     []*parsedRecord
	byStage     map[string]*parsedRecord
	last        *parsedRecord
	fields      []string // of the line at hand
}

// parsedRecord is a record and where it stands in the text.
type parsedRecord struct {
	Record
	from, to  int    // the lines after that of the fingerprint
	scattered bool   // they are not all its lines
	sum       string // that the fingerprint line names
	twoSums   bool
}

// record returns the record that a line belongs to.
func (p *lockParser) record(stage string) *parsedRecord {
	if p.last != nil && p.last.Stage == stage {
		return p.last
	}
	r := p.byStage[stage]
	if r == nil {
		r = &parsedRecord{Record: Record{Stage: stage}}
		p.records = append(p.records, r)
		p.byStage[stage] = r
		p.lock.records[stage] = &r.Record
	}
	p.last = r
	return r
}

// holds notes that a record has the line at hand.
func (p *lockParser) holds(r *parsedRecord) {
	r.scattered = r.scattered || r.sum == "" || r.to != p.start
	r.to = p.next
}

func (p *lockParser) line(s string) error {
	if s == "" || s[0] == '#' {
		if v, ok := strings.CutPrefix(s, "# mlops.lock "); ok && v != "1" && !strings.HasPrefix(v, "1:") && !strings.HasPrefix(v, "1 ") {
			return fmt.Errorf("format %q is newer than this program", v)
		}
		return nil
	}
	if isConflictMark(s) {
		return fmt.Errorf("mark of a merge conflict")
	}
	stage, rest, err := token(s)
	if err != nil {
		return err
	}
	word, rest, err := token(rest)
	if err != nil {
		return err
	}
	r := p.record(stage)
	if word != "fingerprint" {
		p.holds(r)
	}
	switch word {
	case "param":
		return r.readParam(rest)
	case "item":
		return r.readItem(rest)
	}
	p.fields = p.fields[:0]
	for rest != "" {
		var f string
		if f, rest, err = token(rest); err != nil {
			return err
		}
		p.fields = append(p.fields, f)
	}
	if word == "fingerprint" {
		return p.readFingerprint(r, p.fields)
	}
	return r.read(word, p.fields)
}

func (p *lockParser) readFingerprint(r *parsedRecord, fields []string) error {
	if len(fields) != 2 {
		return fmt.Errorf("fingerprint wants 2 fields, has %d", len(fields))
	}
	if r.Fingerprint != "" && r.Fingerprint != fields[0] {
		r.Doubled = true
	}
	r.twoSums = r.twoSums || r.sum != ""
	r.Fingerprint, r.sum = fields[0], fields[1]
	r.scattered = r.scattered || r.to > 0
	r.from, r.to = p.next, p.next
	return nil
}

func (r *Record) read(word string, fields []string) error {
	switch word {
	case "cmd":
		if len(fields) == 0 {
			return fmt.Errorf("cmd without a command")
		}
		r.Doubled = r.Doubled || r.Cmd != nil
		r.Cmd = slices.Clone(fields)
	case "dep", "out":
		a, err := readAsset(word, fields)
		if err != nil {
			return err
		}
		list := &r.Deps
		if word == "out" {
			list = &r.Outs
		}
		if n := len(*list); n > 0 && (*list)[n-1] == a {
			r.Doubled = true
			return nil
		}
		*list = append(*list, a)
	case "env":
		if len(fields) != 2 {
			return fmt.Errorf("env wants 2 fields, has %d", len(fields))
		}
		if r.Env == nil {
			r.Env = map[string]string{}
		}
		_, twice := r.Env[fields[0]]
		r.Doubled = r.Doubled || twice
		r.Env[fields[0]] = fields[1]
	case "map":
		r.Doubled = r.Doubled || r.List != nil
		switch {
		case len(fields) == 1 && fields[0] == mapList:
			r.List = []any{}
		case len(fields) == 1 && fields[0] == mapMapping:
			r.List = paramfile.NewMap()
		default:
			return fmt.Errorf("map wants %s or %s", mapList, mapMapping)
		}
	default:
		e := errs.New(errs.Corrupt, "unknown word %q", word)
		return e.DidYouMean(word, []string{"fingerprint", "cmd", "dep", "param", "env", "out", "map", "item"})
	}
	return nil
}

// readItem reads an item of a list, or the key and value of one of a mapping.
func (r *Record) readItem(rest string) (err error) {
	key := ""
	m, keyed := r.List.(*paramfile.Map)
	if keyed {
		if key, rest, err = token(rest); err != nil {
			return err
		}
	}
	v, err := paramfile.Decode(rest)
	if err != nil {
		return fmt.Errorf("item %s: value %q: %w", key, rest, err)
	}
	switch list := r.List.(type) {
	case []any:
		list = append(list, v)
		r.List = list
	case *paramfile.Map:
		_, twice := m.Get(key)
		r.Doubled = r.Doubled || twice
		m.Set(key, v)
	default:
		r.Doubled = true // the line that says what the items are of is missing
	}
	return nil
}

func (r *Record) readParam(rest string) error {
	file, rest, err := token(rest)
	if err != nil {
		return err
	}
	key, rest, err := token(rest)
	if err != nil {
		return err
	}
	v, err := paramfile.Decode(rest)
	if err != nil {
		return fmt.Errorf("param %s:%s: value %q: %w", file, key, rest, err)
	}
	if r.Params == nil {
		r.Params = map[string]map[string]any{}
	}
	if r.Params[file] == nil {
		r.Params[file] = map[string]any{}
	}
	_, twice := r.Params[file][key]
	r.Doubled = r.Doubled || twice
	r.Params[file][key] = v
	return nil
}

// readAsset reads path, kind, size, files, id and marks.
func readAsset(word string, f []string) (Asset, error) {
	if len(f) < 5 {
		return Asset{}, fmt.Errorf("%s wants path, kind, size, files and id, has %d fields", word, len(f))
	}
	a := Asset{Path: f[0], Kind: Kind(f[1])}
	switch a.Kind {
	case KindFile, KindExec, KindDir, KindSymlink:
	default:
		return Asset{}, fmt.Errorf("%s %s: unknown kind %q", word, f[0], f[1])
	}
	var err error
	if a.Size, err = strconv.ParseInt(f[2], 10, 64); err != nil || a.Size < 0 {
		return Asset{}, fmt.Errorf("%s %s: size %q", word, f[0], f[2])
	}
	if a.Files, err = strconv.ParseInt(f[3], 10, 64); err != nil || a.Files < 0 {
		return Asset{}, fmt.Errorf("%s %s: number of files %q", word, f[0], f[3])
	}
	if a.ID, err = oid.Parse(f[4]); err != nil {
		return Asset{}, fmt.Errorf("%s %s: %w", word, f[0], err)
	}
	for _, mark := range f[5:] {
		switch mark {
		case "nocache":
			a.NoCache = true
		case "nopush":
			a.NoPush = true
		default:
			id, ok := strings.CutPrefix(mark, aliasMark)
			if !ok {
				return Asset{}, fmt.Errorf("%s %s: unknown mark %q", word, f[0], mark)
			}
			if a.Alias, err = oid.Parse(id); err != nil {
				return Asset{}, fmt.Errorf("%s %s: mark %q: %w", word, f[0], mark, err)
			}
		}
	}
	return a, nil
}

// token takes the first field of s, bare or a JSON string, and what follows
// the one space after it.
func token(s string) (field, rest string, err error) {
	if s == "" {
		return "", "", fmt.Errorf("line ends too early")
	}
	if s[0] != '"' {
		field, rest, _ = strings.Cut(s, " ")
		if field == "" {
			return "", "", fmt.Errorf("two spaces in a row")
		}
		return field, rest, nil
	}
	end := 1
	for end < len(s) && s[end] != '"' {
		if s[end] == '\\' {
			end++
		}
		end++
	}
	if end >= len(s) {
		return "", "", fmt.Errorf("a quoted field has no end")
	}
	if isPlain(s[1:end]) {
		field = s[1:end]
	} else if err := json.Unmarshal([]byte(s[:end+1]), &field); err != nil {
		return "", "", fmt.Errorf("field %s: %w", s[:end+1], err)
	}
	rest = s[end+1:]
	if rest != "" && rest[0] != ' ' {
		return "", "", fmt.Errorf("no space after field %s", s[:end+1])
	}
	return field, strings.TrimPrefix(rest, " "), nil
}

// isPlain reports whether a JSON string of this text says just that.
func isPlain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= 0x7f || c == '\\' {
			return false
		}
	}
	return true
}
