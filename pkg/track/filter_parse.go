package track

import (
	"slices"
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
)

// Databases bound how deep a condition is and how many values it has.
const (
	maxConditions = 100
	maxList       = 10_000
)

// Filter reads a filter. The empty text lets everything through. What is wrong
// is a *FilterError of kind errs.Usage.
func (l Language) Filter(text string) (Filter, error) {
	tokens, err := scanFilter(text)
	if err != nil {
		return nil, err
	}
	p := filterParser{Language: l, text: text, tokens: tokens}
	if i := slices.IndexFunc(tokens, func(t token) bool { return t.kind == tokenEnd }); i >= 0 {
		e := errs.New(errs.Usage, "filter %q: there is a ';', and one filter is expected", text).Hint("join comparisons by AND")
		if i == len(tokens)-1 {
			return nil, l.badClauses(e, ";")
		}
		return nil, filterError(e, "Search filter contained multiple expression %s. Provide AND-ed expression list.", pythonText(text))
	}
	var f Filter
	for len(p.tokens) > 0 {
		if len(f) > 0 && !p.word("AND") {
			e := p.expected("AND or the end of the filter")
			if p.tokens[0].isWord("OR") {
				e = e.Hint("there is no OR in this language; ask twice, or list ids: run_id IN ('…', '…')")
			}
			return nil, p.invalid(e)
		}
		if len(f) == maxConditions {
			return nil, filterError(errs.New(errs.Usage, "filter of %d bytes: at most %d comparisons are allowed", len(text), maxConditions),
				"Search filter has more than %d comparisons", maxConditions)
		}
		c, err := p.condition()
		if err != nil {
			return nil, err
		}
		f = append(f, c)
	}
	return f, nil
}

// Order reads KEY, KEY ASC or KEY DESC, where a key is written as in a filter:
// metrics.loss DESC, start_time.
func (l Language) Order(text string) (Order, error) {
	tokens, err := scanFilter(text)
	if err != nil {
		return Order{}, err
	}
	p := filterParser{Language: l, text: text, tokens: tokens, order: true}
	var o Order
	if o.Entity, o.Key, err = p.identifier(); err != nil {
		return o, err
	}
	if o.Descending = p.word("DESC"); !o.Descending {
		p.word("ASC")
	}
	switch e := p.expected("ASC, DESC or the end"); {
	case len(p.tokens) == 1 && p.tokens[0].kind == tokenWord && len(tokens) == 2:
		return o, filterError(e, "Invalid ordering key in order_by clause '%s'.", text)
	case len(p.tokens) > 0:
		return o, filterError(e, "Invalid order_by clause '%s'. Could not be parsed.", text)
	}
	tagsToo := l.dialect == ofRuns || l.dialect == ofModels
	if o.Entity == Datasets || !tagsToo && o.Entity == Tags {
		return o, filterError(errs.New(errs.Usage, "%s cannot be sorted by %s", l.things, o.Entity),
			"Invalid order_by entity: %s", l.mlflowName(o.Entity))
	}
	return o, nil
}

// filterParser reads tokens from the front.
type filterParser struct {
	Language
	text   string
	tokens []token
	order  bool
}

// kind is what is read.
func (p *filterParser) kind() string {
	if p.order {
		return "order"
	}
	return "filter"
}

// found is how the next token was typed.
func (p *filterParser) found() string {
	if len(p.tokens) == 0 {
		return ""
	}
	if p.tokens[0].kind == tokenOpen {
		rest := p.text[p.tokens[0].at:]
		if i := strings.IndexByte(rest, ')'); i >= 0 {
			return rest[:i+1]
		}
		return rest
	}
	return p.tokens[0].raw
}

func (p *filterParser) expected(want string) *errs.Error {
	got := "it ends"
	if len(p.tokens) > 0 {
		got = "there is " + p.tokens[0].raw
	}
	e := errs.New(errs.Usage, "%s %q: %s where %s is expected", p.kind(), p.text, got, want)
	if p.order {
		return e
	}
	if _, metrics := p.entity("metrics"); metrics && p.dialect == ofRuns {
		e = e.Hint(`such as: metrics.loss < 0.2 and params.lr = "0.1" and status = "FINISHED"`)
	}
	return e
}

// malformed words that the words of a condition, which begins at start, are no
// comparison.
func (p *filterParser) malformed(e *errs.Error, start []token) error {
	if p.order || p.dialect == ofModels {
		return p.invalid(e)
	}
	var words []string
	for _, t := range start {
		if t.isWord("AND") {
			break
		}
		words = append(words, t.raw)
	}
	return p.badClauses(e, words...)
}

func (p *filterParser) invalid(e *errs.Error) error {
	found := p.found()
	switch {
	case p.order:
		return filterError(e, "Invalid order_by clause '%s'. Could not be parsed.", p.text)
	case p.dialect == ofModels:
		return filterError(e, "Invalid filter string: %s. Expected a list of comparisons separated by 'AND' (e.g. 'metrics.loss > 0.1 AND params.lr = 0.01').", pythonText(p.text))
	case found == "":
		found = p.text
	}
	return p.badClauses(e, found)
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
		return "", "", p.invalid(p.expected("a key"))
	}
	entity, key := Attributes, t.text
	if t.kind == tokenWord {
		if word, rest, dotted := strings.Cut(t.text, "."); dotted {
			if entity, ok = p.entity(word); !ok {
				var names []string
				for _, e := range p.entities {
					names = append(names, string(e.Entity))
				}
				return "", "", p.unknownEntity(errs.New(errs.Usage, "%s %q: %q is none of the entities %s", p.kind(), p.text, word, strings.Join(names, ", ")).
					DidYouMean(word, names), word)
			}
			key = rest
		}
	}
	if key == "" {
		return "", "", p.invalid(p.expected("a key"))
	}
	switch entity {
	case Attributes:
		a, known := p.attribute(key, p.order)
		if !known {
			return "", "", p.unknownAttribute(p.noAttribute(key), key, p.order)
		}
		key = a.name
	case Datasets:
		if keys := []string{"name", "digest", "context"}; !slices.Contains(keys, key) {
			return "", "", filterError(errs.New(errs.Usage, "%s %q: datasets have name, digest and context, not %q", p.kind(), p.text, key),
				"Invalid dataset key '%s' specified. Valid keys are '%s'", key, pythonSet(keys))
		}
	case Metrics, Params, Tags:
	}
	return entity, key, nil
}

func (p *filterParser) noAttribute(key string) *errs.Error {
	names := p.attributeNames(p.order, true)
	e := errs.New(errs.Usage, "%s %q: %s have no attribute %q", p.kind(), p.text, p.things, key).DidYouMean(key, names)
	if len(p.entities) == 1 {
		return e.Hint("the attributes are %s", strings.Join(names, ", "))
	}
	if p.dialect == ofRuns {
		return e.Hint("the attributes are %s; write metrics.%s, params.%s or tags.%s for others", strings.Join(names, ", "), key, key, key)
	}
	return e.Hint("the attributes are %s; write tags.%s for a tag", strings.Join(names, ", "), key)
}

// condition reads one comparison.
func (p *filterParser) condition() (c Condition, err error) {
	start := p.tokens
	if len(start) == 0 { // after an AND
		return c, p.invalid(p.expected("a comparison"))
	}
	if len(start) == 1 {
		p.tokens = nil
		e := p.expected("a comparison after " + start[0].raw)
		p.tokens = start
		return c, p.invalid(e)
	}
	switch {
	case start[0].isWord("NOT"):
		return c, p.invalid(p.expected("a comparison"))
	case start[0].kind == tokenOp:
		return c, p.malformed(p.expected("a key"), start)
	case len(start) == 2 && start[1].kind == tokenOp:
		p.tokens = nil
		return c, p.malformed(p.expected("a value"), start)
	}
	if len(start) > 2 && start[1].kind == tokenOp && slices.ContainsFunc([]string{"TRUE", "FALSE"}, start[2].isWord) {
		p.tokens = start[2:]
		return c, p.invalid(p.expected("a number or a text in quotes"))
	}
	if c.Entity, c.Key, err = p.identifier(); err != nil {
		return c, err
	}
	a, _ := p.attribute(c.Key, false)
	numeric := c.Entity == Metrics || c.Entity == Attributes && a.numeric
	allowed := p.ops(c.Entity, a)
	if c.Op, err = p.op(allowed, start); err != nil {
		return c, err
	}
	isList := c.Op == In || c.Op == NotIn
	switch {
	case len(p.tokens) == 0 && c.Op != IsNull && c.Op != NotNull:
		return c, p.malformed(p.expected("a value"), start)
	case isList && p.tokens[0].kind != tokenOpen:
		return c, p.malformed(p.expected("a list in parentheses"), start)
	case isList && !slices.ContainsFunc(p.tokens, func(t token) bool { return t.kind == tokenClose }):
		return c, p.malformed(errs.New(errs.Usage, "filter %q: the list %s is not closed", p.text, p.found()), start)
	}
	early := p.dialect == ofVersions || p.dialect == ofModels // MLflow looks at the comparator before the value
	if c.Op != IsNull && c.Op != NotNull && (!early || slices.Contains(allowed, c.Op)) {
		if err := p.value(&c, a, numeric); err != nil {
			return c, err
		}
	}
	if !slices.Contains(allowed, c.Op) {
		e := errs.New(errs.Usage, "filter %q: %s.%s cannot be compared by %s, only by %s", p.text, c.Entity, c.Key, c.Op, joinOps(allowed))
		if c.Entity == Params {
			e = e.Hint("params are text; numbers are compared in metrics")
		}
		return c, p.badComparator(e, c, allowed)
	}
	return c, nil
}

// value reads what a condition compares with.
func (p *filterParser) value(c *Condition, a attribute, numeric bool) error {
	found := p.found()
	isList := len(p.tokens) > 0 && p.tokens[0].kind == tokenOpen
	switch {
	case isList && (c.Op == In || c.Op == NotIn) && !numeric && (c.Entity == Datasets || c.Entity == Attributes && a.list || p.dialect == ofModels):
		return p.list(c)
	case isList && c.Entity == Attributes && !numeric && !a.list:
		return p.noList(errs.New(errs.Usage, "filter %q: %s.%s cannot be compared by %s, only by %s", p.text, c.Entity, c.Key, c.Op, joinOps(p.ops(c.Entity, a))))
	case numeric:
		kinds := []tokenKind{tokenWord}
		if p.dialect == ofVersions {
			kinds = append(kinds, tokenText, tokenQuoted) // numbers of versions are texts to clients
		}
		if t, ok := p.next(kinds...); ok {
			v, err := ParseValue(t.text)
			if err == nil {
				c.Number = float64(v)
				return nil
			}
			p.tokens = append([]token{t}, p.tokens...)
		}
		return p.badValue(p.expected("a number without quotes"), *c, true, found)
	}
	kinds := []tokenKind{tokenText, tokenQuoted}
	if p.dialect == ofModels {
		kinds = append(kinds, tokenWord) // MLflow asks for no quotes here
	}
	t, ok := p.next(kinds...)
	if ok && t.raw[0] != '`' {
		c.Text = t.text
		return nil
	}
	if ok {
		p.tokens = append([]token{t}, p.tokens...)
	}
	e := p.expected("a text in quotes")
	if len(p.tokens) > 0 && (ok || p.tokens[0].kind == tokenWord && !isNumber(p.tokens[0].raw) && !p.tokens[0].isWord("NULL")) {
		return filterError(e, "Parameter value is either not quoted or unidentified quote types used for string value %s. Use either single or double quotes.", found)
	}
	return p.badValue(e, *c, false, found)
}

func isNumber(s string) bool {
	_, err := ParseValue(s)
	return err == nil && s[0] <= '9'
}

func joinOps(ops []Op) string {
	words := make([]string, len(ops))
	for i, op := range ops {
		words[i] = string(op)
	}
	return strings.Join(words, ", ")
}

// op reads a comparison. Start is where the condition began.
func (p *filterParser) op(allowed []Op, start []token) (Op, error) {
	if t, ok := p.next(tokenOp); ok {
		return Op(t.text), nil
	}
	switch {
	case p.word("NOT"):
		for _, w := range []Op{In, Like, ILike} {
			if p.word(string(w)) {
				return "NOT " + w, nil
			}
		}
		return "", p.malformed(p.expected("IN"), start)
	case p.word("IS"):
		not := p.word("NOT")
		switch {
		case !p.word("NULL"):
			return "", p.malformed(p.expected("NULL"), start)
		case not:
			return NotNull, nil
		}
		return IsNull, nil
	}
	for _, w := range []Op{Like, ILike, In} {
		if p.word(string(w)) {
			return w, nil
		}
	}
	return "", p.malformed(p.expected(joinOps(allowed)), start)
}

// list reads ('a', "b"), which is closed.
func (p *filterParser) list(c *Condition) error {
	found := p.found()
	p.tokens = p.tokens[1:]
	bad := func(want string) error {
		e := p.expected(want)
		if _, ok := p.next(tokenClose); ok && len(c.List) == 0 {
			return filterError(e, "While parsing a list in the query, expected a non-empty list of string values, but got empty list")
		}
		return filterError(e, "While parsing a list in the query, expected string value, punctuation, or whitespace, but got different type in list: %s", found)
	}
	for {
		t, ok := p.next(tokenText, tokenQuoted)
		if !ok {
			return bad("a text in quotes")
		}
		if c.List = append(c.List, t.text); len(c.List) > maxList {
			return filterError(errs.New(errs.Usage, "a list of the filter has more than %d texts", maxList), "Search filter has a list of more than %d values", maxList)
		}
		if _, ok := p.next(tokenClose); ok {
			return nil
		}
		if _, ok := p.next(tokenComma); !ok {
			return bad("',' or ')'")
		}
		if _, ok := p.next(tokenClose); ok {
			return nil // Python writes ('a',) for a list of one
		}
	}
}
