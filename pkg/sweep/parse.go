package sweep

import (
	"math"
	"math/big"
	"strconv"
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/paramfile"
)

// Override is what to do to one parameter.
type Override struct {
	Op   paramfile.Op
	File string // "" for params.yaml
	Key  string
	// Values are those to try, each as YAML; one where nothing is swept over,
	// none where only a key is removed.
	Values []string
}

// Swept reports whether the override stands for several.
func (o Override) Swept() bool { return len(o.Values) > 1 }

// Parse reads an override: [FILE:]KEY=VALUE, +KEY=VALUE, ++KEY=VALUE, ~KEY.
func Parse(text string) (Override, error) {
	target, value, hasValue := strings.Cut(text, "=")
	o := Override{Key: target}
	takeOp := func() {
		for _, op := range []paramfile.Op{paramfile.OpPut, paramfile.OpAdd, paramfile.OpDelete} {
			if rest, ok := strings.CutPrefix(o.Key, string(op)); ok && o.Op == paramfile.OpSet {
				o.Op, o.Key = op, rest
			}
		}
	}
	takeOp()
	if file, key, ok := strings.Cut(o.Key, ":"); ok {
		o.File, o.Key = file, key
		takeOp() // DVC has the sign behind the file
	}
	switch {
	case o.Key == "" || !hasValue && o.Op != paramfile.OpDelete:
		return o, errs.New(errs.Usage, "--set-param %q is not KEY=VALUE", text).Hint("mlops run --set-param train.lr=0.3")
	case !hasValue:
		return o, nil
	}
	values, err := parseValue(value)
	if err != nil {
		return o, errs.New(errs.Usage, "--set-param %q: %w", text, err).
			Hint("put text that holds commas, brackets, quotes, colons or = into quotes: --set-param \"%s='…'\"", target)
	}
	if o.Op == paramfile.OpDelete && len(values) > 1 {
		return o, errs.New(errs.Usage, "--set-param %q: what is removed cannot be swept over", text)
	}
	for _, v := range values {
		o.Values = append(o.Values, spell(v))
	}
	return o, nil
}

// plain is text that stood without quotes.
type plain string

// number is a number as it was typed.
type number struct {
	value any
	text  string
}

// several is a sweep.
type several struct {
	list   []any
	simple bool    // a,b and not choice(a,b)
	span   *[3]any // of range: start, stop and step, as sort needs them
}

// parser reads the tokens of one value.
type parser struct {
	tokens []token
	depth  int
}

// parseValue returns the values that text stands for.
func parseValue(text string) ([]any, error) {
	text = strings.TrimLeft(text, " \t")
	if text == "" {
		return []any{""}, nil
	}
	tokens, err := lex(text)
	if err != nil {
		return nil, err
	}
	p := &parser{tokens: tokens}
	v, err := p.element()
	if err != nil {
		return nil, err
	}
	if p.peek().kind == comma {
		all := []any{v}
		for p.peek().kind == comma {
			p.take()
			if v, err = p.element(); err != nil {
				return nil, err
			}
			all = append(all, v)
		}
		v = several{list: all, simple: true}
	}
	if t := p.peek(); t.kind != end {
		return nil, errs.New(errs.Usage, "unexpected %q", t.text)
	}
	s, ok := v.(several)
	if !ok {
		return []any{v}, nil
	}
	for _, v := range s.list {
		if _, nested := v.(several); nested {
			return nil, errs.New(errs.Usage, "a sweep inside a sweep")
		}
	}
	if len(s.list) == 0 {
		return nil, errs.New(errs.Usage, "the range is empty")
	}
	return s.list, nil
}

func (p *parser) peek() token { return p.tokens[0] }

func (p *parser) take() token {
	t := p.tokens[0]
	if t.kind != end {
		p.tokens = p.tokens[1:]
	}
	return t
}

// maxDepth keeps a value of a million brackets from ending the program.
const maxDepth = 200

func (p *parser) element() (any, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, errs.New(errs.Usage, "nested too deeply")
	}
	defer func() { p.depth-- }()
	switch p.peek().kind { //nolint:exhaustive // the others begin a primitive, or nothing
	case bracketOpen:
		return p.list()
	case braceOpen:
		return p.mapping()
	case ident:
		if p.tokens[1].kind == popen {
			return p.function()
		}
	case quoted:
		return unquote(p.take().text), nil
	}
	return p.primitive(false)
}

// items reads what stands between brackets, after the opening one.
func (p *parser) items(closing kind, item func() error) error {
	if p.peek().kind == closing {
		p.take()
		return nil
	}
	for {
		if err := item(); err != nil {
			return err
		}
		switch t := p.take(); t.kind {
		case closing:
			return nil
		case comma:
		case end:
			return errs.New(errs.Usage, "a bracket is not closed")
		default:
			return errs.New(errs.Usage, "unexpected %q", t.text)
		}
	}
}

func (p *parser) list() (any, error) {
	p.take()
	list := []any{}
	err := p.items(bracketClose, func() error {
		v, err := p.element()
		list = append(list, v)
		return err
	})
	return list, errInside(err, list)
}

func (p *parser) mapping() (any, error) {
	p.take()
	m := paramfile.NewMap()
	var values []any
	err := p.items(braceClose, func() error {
		key, err := p.primitive(true)
		if err != nil {
			return err
		}
		if t := p.take(); t.kind != colon {
			return errs.New(errs.Usage, "a key of a mapping lacks its colon")
		}
		v, err := p.element()
		m.Set(paramfile.Text(finished(key)), v)
		values = append(values, v)
		return err
	})
	return m, errInside(err, values)
}

// errInside refuses sweeps inside a list or mapping.
func errInside(err error, values []any) error {
	for _, v := range values {
		if _, ok := v.(several); ok && err == nil {
			return errs.New(errs.Usage, "a sweep inside a list or mapping")
		}
	}
	return err
}

// primitive reads a value without quotes or, when isKey, a key of a mapping.
func (p *parser) primitive(isKey bool) (any, error) {
	var parts []token
	for {
		t := p.peek()
		if t.kind < colon || t.kind == equal || t.kind == quoted || isKey && (t.kind == colon || t.kind == interpolation) {
			break
		}
		if t.kind == interpolation {
			return nil, errs.New(errs.Usage, "%s is not replaced in a value: write what it stands for", t.text)
		}
		parts = append(parts, p.take())
	}
	if len(parts) > 0 && parts[0].kind == space {
		parts = parts[1:]
	}
	if len(parts) > 0 && parts[len(parts)-1].kind == space {
		parts = parts[:len(parts)-1]
	}
	switch len(parts) {
	case 0:
		if t := p.peek(); t.kind != end {
			return nil, errs.New(errs.Usage, "unexpected %q", t.text)
		}
		return nil, errs.New(errs.Usage, "a value is missing")
	case 1:
		return single(parts[0])
	}
	var b strings.Builder
	for _, t := range parts {
		b.WriteString(unescape(t))
	}
	return plain(b.String()), nil
}

func unescape(t token) string {
	if t.kind != escaped {
		return t.text
	}
	out := make([]byte, 0, len(t.text)/2)
	for i := 1; i < len(t.text); i += 2 {
		out = append(out, t.text[i])
	}
	return string(out)
}

// single is the value of one token.
func single(t token) (any, error) {
	bare := strings.ReplaceAll(t.text, "_", "")
	switch t.kind {
	case integer:
		if n, err := strconv.ParseInt(bare, 10, 64); err == nil {
			return number{n, t.text}, nil
		}
		n, _ := new(big.Int).SetString(strings.TrimPrefix(bare, "+"), 10)
		return number{n, t.text}, nil
	case floating:
		f, err := strconv.ParseFloat(bare, 64)
		if err != nil && !math.IsInf(f, 0) {
			return nil, errs.New(errs.Usage, "%q is no number", t.text)
		}
		return number{f, t.text}, nil
	case boolean:
		return strings.EqualFold(t.text, "true"), nil
	case null:
		return nil, nil //nolint:nilnil // null is a value
	default:
		return plain(unescape(t)), nil
	}
}

// unquote takes the quotes away, and the backslashes that stand before quotes
// of their kind.
func unquote(s string) string {
	quote := s[0]
	var b strings.Builder
	for i := 1; i < len(s)-1; {
		n := 0
		for i+n < len(s) && s[i+n] == '\\' {
			n++
		}
		switch {
		case n == 0:
			b.WriteByte(s[i])
			i++
		case s[i+n] == quote: // also the closing one
			b.WriteString(strings.Repeat(`\`, n/2))
			i += n
			if n%2 == 1 {
				b.WriteByte(quote)
				i++
			}
		default:
			b.WriteString(s[i : i+n])
			i += n
		}
	}
	return b.String()
}

// finished is a value without the marks of how it was typed.
func finished(v any) any {
	switch v := v.(type) {
	case plain:
		return string(v)
	case number:
		return v.value
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = finished(x)
		}
		return out
	case *paramfile.Map:
		out := paramfile.NewMap()
		for _, k := range v.Keys() {
			x, _ := v.Get(k)
			out.Set(k, finished(x))
		}
		return out
	default:
		return v
	}
}

// spell writes a value as YAML: as it was typed where YAML means the same.
func spell(v any) string {
	switch v := v.(type) {
	case plain:
		switch got := asYAML(string(v)).(type) {
		case string:
			if got == string(v) {
				return got
			}
		case paramfile.Date:
			return string(v) // a date stays one
		}
	case number:
		_, isFloat := v.value.(float64)
		if paramfile.Encode(asYAML(v.text)) == paramfile.Encode(v.value) && (!isFloat || strings.Contains(v.text, ".")) {
			return v.text
		}
	case []any:
		items := make([]string, len(v))
		for i, x := range v {
			items[i] = spell(x)
		}
		return "[" + strings.Join(items, ", ") + "]"
	case *paramfile.Map:
		items := make([]string, 0, v.Len())
		for _, k := range v.Keys() {
			x, _ := v.Get(k)
			items = append(items, spell(plain(k))+": "+spell(x))
		}
		return "{" + strings.Join(items, ", ") + "}"
	}
	return yamlText(finished(v))
}

// asYAML is what YAML makes of a text; nil when it is no single value.
func asYAML(text string) any {
	if strings.ContainsAny(text, "\n\r") {
		return nil
	}
	m, err := paramfile.Parse("x.yaml", []byte("[{v: "+text+"}]"))
	list, ok := m.([]any)
	if err != nil || !ok || len(list) != 1 {
		return nil
	}
	at, ok := list[0].(*paramfile.Map)
	if !ok || at.Len() != 1 {
		return nil
	}
	got, _ := at.Get("v")
	return got
}

// yamlText writes a scalar as YAML.
func yamlText(v any) string {
	f, ok := v.(float64)
	switch {
	case !ok:
		return paramfile.Encode(v)
	case math.IsNaN(f):
		return ".nan"
	case math.IsInf(f, 1):
		return ".inf"
	case math.IsInf(f, -1):
		return "-.inf"
	}
	text := paramfile.Encode(f)
	if mantissa, exponent, ok := strings.Cut(text, "e"); ok && !strings.Contains(mantissa, ".") {
		text = mantissa + ".0e" + exponent // PyYAML takes 1e-05 for text
	}
	return text
}
