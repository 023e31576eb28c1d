package track

import (
	"slices"
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
)

// ParseFilter reads MLflow's filter language: comparisons joined by AND, such
// as metrics.loss < 0.2 and params.lr = "0.1". Keys with other characters than
// letters, digits, '_', '-', '.' and '/' stand in backticks or double quotes.
// The empty text lets every run through.
func ParseFilter(text string) (Filter, error) {
	tokens, err := scanFilter(text)
	if err != nil {
		return nil, err
	}
	p := filterParser{text: text, tokens: tokens}
	var f Filter
	for len(p.tokens) > 0 {
		if len(f) > 0 && !p.word("AND") {
			e := p.invalid("AND or the end of the filter")
			if p.tokens[0].isWord("OR") {
				e = e.Hint("there is no OR in this language; ask twice, or list ids: run_id IN ('…', '…')")
			}
			return nil, e
		}
		c, err := p.condition()
		if err != nil {
			return nil, err
		}
		f = append(f, c)
	}
	return f, nil
}

// ParseOrder reads KEY, KEY ASC or KEY DESC, where a key is written as in a
// filter: metrics.loss DESC, start_time.
func ParseOrder(text string) (Order, error) {
	tokens, err := scanFilter(text)
	if err != nil {
		return Order{}, err
	}
	p := filterParser{text: text, tokens: tokens}
	var o Order
	if o.Entity, o.Key, err = p.identifier(); err != nil {
		return o, err
	}
	if o.Descending = p.word("DESC"); !o.Descending {
		p.word("ASC")
	}
	if len(p.tokens) > 0 {
		return o, p.invalid("ASC, DESC or the end")
	}
	if o.Entity == Datasets {
		return o, errs.New(errs.Usage, "runs cannot be sorted by datasets")
	}
	return o, nil
}

// filterParser reads tokens from the front.
type filterParser struct {
	text   string
	tokens []token
}

func (p *filterParser) invalid(want string) *errs.Error {
	got := "it ends"
	if len(p.tokens) > 0 {
		got = "there is " + p.tokens[0].raw
	}
	return errs.New(errs.Usage, "filter %q: %s where %s is expected", p.text, got, want).
		Hint(`such as: metrics.loss < 0.2 and params.lr = "0.1" and status = "FINISHED"`)
}

// word takes a keyword when it is next.
func (p *filterParser) word(w string) bool {
	if len(p.tokens) == 0 || !p.tokens[0].isWord(w) {
		return false
	}
	p.tokens = p.tokens[1:]
	return true
}

func (p *filterParser) next(kinds ...tokenKind) (token, bool) {
	if len(p.tokens) == 0 || !slices.Contains(kinds, p.tokens[0].kind) {
		return token{}, false
	}
	t := p.tokens[0]
	p.tokens = p.tokens[1:]
	return t, true
}

// identifier reads entity.key, or the name of an attribute.
func (p *filterParser) identifier() (Entity, string, error) {
	t, ok := p.next(tokenWord, tokenQuoted)
	if !ok {
		return "", "", p.invalid("a key")
	}
	entity, key := Attributes, t.text
	if t.kind == tokenWord {
		if word, rest, dotted := strings.Cut(t.text, "."); dotted {
			if entity, ok = parseEntity(word); !ok {
				return "", "", errs.New(errs.Usage, "filter %q: %q is none of the entities metrics, params, tags, attributes and datasets", p.text, word).
					DidYouMean(word, []string{"metrics", "params", "tags", "attributes", "datasets"})
			}
			key = rest
		}
	}
	if key == "" {
		return "", "", p.invalid("a key")
	}
	switch entity {
	case Attributes:
		a, known := findAttribute(key)
		if !known {
			return "", "", errs.New(errs.Usage, "filter %q: runs have no attribute %q", p.text, key).
				DidYouMean(key, attributeNames()).
				Hint("the attributes are %s; write metrics.%s, params.%s or tags.%s for others", strings.Join(attributeNames(), ", "), key, key, key)
		}
		key = a.name
	case Datasets:
		if !slices.Contains([]string{"name", "digest", "context"}, key) {
			return "", "", errs.New(errs.Usage, "filter %q: datasets have name, digest and context, not %q", p.text, key)
		}
	case Metrics, Params, Tags:
	}
	return entity, key, nil
}

// condition reads one comparison.
func (p *filterParser) condition() (c Condition, err error) {
	if c.Entity, c.Key, err = p.identifier(); err != nil {
		return c, err
	}
	numeric := c.Entity == Metrics
	if c.Entity == Attributes {
		a, _ := findAttribute(c.Key)
		numeric = a.numeric
	}
	if c.Op, err = p.op(c, numeric); err != nil {
		return c, err
	}
	switch {
	case c.Op == In || c.Op == NotIn:
		c.List, err = p.list()
	case numeric:
		t, ok := p.next(tokenWord)
		v, perr := ParseValue(t.text)
		if !ok || perr != nil {
			if ok {
				p.tokens = append([]token{t}, p.tokens...)
			}
			return c, p.invalid("a number without quotes")
		}
		c.Number = float64(v)
	default:
		t, ok := p.next(tokenText, tokenQuoted)
		if !ok || t.raw[0] == '`' {
			if ok {
				p.tokens = append([]token{t}, p.tokens...)
			}
			return c, p.invalid("a text in quotes")
		}
		c.Text = t.text
	}
	return c, err
}

// op reads the comparison and says when the value has no such one.
func (p *filterParser) op(c Condition, numeric bool) (op Op, err error) {
	switch t, ok := p.next(tokenOp); {
	case ok:
		op = Op(t.text)
	case p.word("NOT"):
		if !p.word("IN") {
			return "", p.invalid("IN")
		}
		op = NotIn
	default:
		for _, w := range []Op{Like, ILike, In} {
			if p.word(string(w)) {
				op = w
			}
		}
	}
	allowed := []Op{Equal, NotEqual, Like, ILike}
	switch {
	case numeric:
		allowed = []Op{Greater, GreaterEqual, NotEqual, Equal, Less, LessEqual}
	case c.Entity == Datasets, c.Entity == Attributes && c.Key == "run_id":
		allowed = append(allowed, In, NotIn)
	}
	if op == "" || !slices.Contains(allowed, op) {
		words := make([]string, len(allowed))
		for i, a := range allowed {
			words[i] = string(a)
		}
		if op == "" {
			return "", p.invalid(strings.Join(words, ", "))
		}
		e := errs.New(errs.Usage, "filter %q: %s.%s cannot be compared by %s, only by %s", p.text, c.Entity, c.Key, op, strings.Join(words, ", "))
		if c.Entity == Params {
			e = e.Hint("params are text; numbers are compared in metrics")
		}
		return "", e
	}
	return op, nil
}

// list reads ('a', "b").
func (p *filterParser) list() ([]string, error) {
	if _, ok := p.next(tokenOpen); !ok {
		return nil, p.invalid("a list in parentheses")
	}
	var list []string
	for {
		t, ok := p.next(tokenText, tokenQuoted)
		if !ok {
			return nil, p.invalid("a text in quotes")
		}
		list = append(list, t.text)
		if _, ok := p.next(tokenClose); ok {
			return list, nil
		}
		if _, ok := p.next(tokenComma); !ok {
			return nil, p.invalid("',' or ')'")
		}
	}
}
