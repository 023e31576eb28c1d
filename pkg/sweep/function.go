package sweep

import (
	"cmp"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/paramfile"
)

// maxValues is how many values a range may have.
const maxValues = 100_000

// arguments of a function, without their quotes.
type arguments struct {
	function string
	list     []any
	named    map[string]any
}

// function reads and evaluates NAME(arguments).
func (p *parser) function() (any, error) {
	a := arguments{function: p.take().text, named: map[string]any{}}
	p.take() // the bracket
	err := p.items(pclose, func() error {
		name := ""
		if p.peek().kind == ident && p.tokens[1].kind == equal {
			name = p.take().text
			p.take()
		}
		v, err := p.element()
		switch {
		case err != nil:
			return err
		case name != "":
			a.named[name] = v
		case len(a.named) > 0:
			return errs.New(errs.Usage, "%s(): an argument without a name follows one with a name", a.function)
		default:
			a.list = append(a.list, v)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return a.call()
}

func (a *arguments) call() (any, error) {
	switch a.function {
	case "choice":
		return a.choice()
	case "range":
		return a.spread()
	case "sort":
		return a.sort()
	case "shuffle":
		return a.shuffle()
	case "tag":
		return a.tag()
	case "int", "float", "str", "bool":
		v, err := a.only("value")
		if err != nil {
			return nil, err
		}
		return a.cast(v)
	case "interval", "glob":
		return nil, errs.New(errs.Usage, "%s() has no values to try one after another", a.function).Hint("use choice(a,b) or range(start,stop,step)")
	default:
		return nil, errs.New(errs.Usage, "there is no function %s()", a.function).
			DidYouMean(a.function, []string{"choice", "range", "sort", "shuffle", "tag", "int", "float", "str", "bool"})
	}
}

// known refuses named arguments but those in names.
func (a *arguments) known(names ...string) error {
	for name := range a.named {
		if !slices.Contains(names, name) {
			return errs.New(errs.Usage, "%s() has no argument %s", a.function, name).DidYouMean(name, names)
		}
	}
	return nil
}

// only is the one argument; several without a name are a sweep over them.
func (a *arguments) only(names ...string) (any, error) {
	if err := a.known(names...); err != nil {
		return nil, err
	}
	for _, name := range names {
		if v, ok := a.named[name]; ok {
			if len(a.list)+len(a.named) > 1 {
				return nil, errs.New(errs.Usage, "%s() has too many arguments", a.function)
			}
			return v, nil
		}
	}
	switch len(a.list) {
	case 0:
		return nil, errs.New(errs.Usage, "%s() has no argument", a.function)
	case 1:
		return a.list[0], nil
	}
	return several{list: a.list, simple: true}, nil
}

func (a *arguments) choice() (any, error) {
	if err := a.known(); err != nil {
		return nil, err
	}
	if len(a.list) == 0 {
		return nil, errs.New(errs.Usage, "choice() is empty")
	}
	if s, ok := a.list[0].(several); ok && len(a.list) == 1 && s.simple && s.span == nil {
		return several{list: s.list}, nil
	}
	for _, v := range a.list {
		if _, nested := v.(several); nested {
			return nil, errs.New(errs.Usage, "a sweep inside choice()")
		}
	}
	return several{list: a.list}, nil
}

// spread is range(): the decimal numbers are taken as they are written, so that
// range(0,1,0.1) holds 0.3 and not 0.30000000000000004.
func (a *arguments) spread() (any, error) {
	if err := a.known("start", "stop", "step"); err != nil {
		return nil, err
	}
	given := [3]any{}
	copy(given[:], a.list)
	for i, name := range []string{"start", "stop", "step"} {
		v, ok := a.named[name]
		if ok && given[i] != nil || len(a.list) > 3 {
			return nil, errs.New(errs.Usage, "range() has too many arguments")
		}
		if ok {
			given[i] = v
		}
	}
	if given[0] == nil {
		return nil, errs.New(errs.Usage, "range() has no start")
	}
	if given[1] == nil {
		given[0], given[1] = number{int64(0), "0"}, given[0]
	}
	if given[2] == nil {
		given[2] = number{int64(1), "1"}
	}
	return makeRange(given)
}

func makeRange(span [3]any) (any, error) {
	ints := true
	var nums [3]*big.Rat
	for i, v := range span {
		n, ok := v.(number)
		if ok {
			switch x := n.value.(type) {
			case int64:
				nums[i] = new(big.Rat).SetInt64(x)
			case float64:
				ints = false
				nums[i], ok = new(big.Rat).SetString(strconv.FormatFloat(x, 'g', -1, 64))
			default:
				ok = false
			}
		}
		if !ok {
			return nil, errs.New(errs.Usage, "range() wants finite numbers, not %s", paramfile.Encode(finished(v)))
		}
	}
	step := nums[2].Sign()
	if step == 0 {
		return nil, errs.New(errs.Usage, "range() with a step of 0 has no end")
	}
	list := []any{}
	for at := nums[0]; at.Cmp(nums[1])*step < 0; at = new(big.Rat).Add(at, nums[2]) {
		if len(list) == maxValues {
			return nil, errs.New(errs.Usage, "range() has more than %d values", maxValues)
		}
		if ints {
			list = append(list, at.Num().Int64())
		} else {
			f, _ := at.Float64()
			list = append(list, f)
		}
	}
	return several{list: list, span: &span}, nil
}

func (a *arguments) reverse() (bool, error) {
	v, ok := a.named["reverse"]
	if !ok {
		return false, nil
	}
	delete(a.named, "reverse")
	reverse, ok := v.(bool)
	if !ok {
		return false, errs.New(errs.Usage, "sort() wants reverse=true or false")
	}
	return reverse, nil
}

func (a *arguments) sort() (any, error) {
	reverse, err := a.reverse()
	if err != nil {
		return nil, err
	}
	v, err := a.only("sweep", "list")
	if err != nil {
		return nil, err
	}
	switch v := v.(type) {
	case []any:
		return sorted(v, reverse)
	case several:
		if v.span != nil { // of numbers: they are in order, of one direction or the other
			list := slices.Clone(v.list)
			slices.SortFunc(list, compareNumbers)
			if reverse {
				slices.Reverse(list)
			}
			return several{list: list, span: v.span}, nil
		}
		list, err := sorted(v.list, reverse)
		return several{list: list, simple: v.simple}, err
	default:
		return v, nil
	}
}

func compareNumbers(x, y any) int {
	a, _ := asFloat(x)
	b, _ := asFloat(y)
	return cmp.Compare(a, b)
}

// asFloat is what sorting compares of a number, true or false.
func asFloat(v any) (float64, bool) {
	switch v := finished(v).(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, true
	case *big.Int:
		f, _ := new(big.Float).SetInt(v).Float64()
		return f, true
	case bool:
		if v {
			return 1, true
		}
		return 0, true
	}
	return 0, false
}

func sorted(list []any, reverse bool) ([]any, error) {
	texts, numbers := 0, 0
	for _, v := range list {
		if _, ok := finished(v).(string); ok {
			texts++
		} else if _, ok := asFloat(v); ok {
			numbers++
		}
	}
	if max(texts, numbers) < len(list) {
		return nil, errs.New(errs.Usage, "sort() cannot compare values of different kinds")
	}
	out := slices.Clone(list)
	slices.SortStableFunc(out, func(x, y any) int {
		c := compareNumbers(x, y)
		if texts > 0 {
			a, _ := finished(x).(string)
			b, _ := finished(y).(string)
			c = strings.Compare(a, b)
		}
		if reverse {
			return -c
		}
		return c
	})
	return out, nil
}

func (a *arguments) shuffle() (any, error) {
	v, err := a.only("sweep", "list")
	if err != nil {
		return nil, err
	}
	mix := func(list []any) []any {
		out := slices.Clone(list)
		rand.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] }) //nolint:gosec // an order of trials is no secret
		return out
	}
	switch v := v.(type) {
	case []any:
		return mix(v), nil
	case several:
		return several{list: mix(v.list), simple: v.simple, span: v.span}, nil
	default:
		return []any{v}, nil
	}
}

// tag is the sweep that it labels: labels are for Hydra's sweepers.
func (a *arguments) tag() (any, error) {
	if err := a.known("sweep"); err != nil {
		return nil, err
	}
	last, ok := a.named["sweep"]
	if !ok && len(a.list) > 0 {
		last = a.list[len(a.list)-1]
	}
	if s, ok := last.(several); ok {
		return s, nil
	}
	return nil, errs.New(errs.Usage, "tag() wants a sweep as its last argument")
}

// cast converts a value, or each of several.
func (a *arguments) cast(v any) (any, error) {
	switch v := v.(type) {
	case several:
		if v.span != nil && (a.function == "bool") {
			return nil, errs.New(errs.Usage, "a range cannot be made bool")
		}
		list, err := a.castAll(v.list)
		return several{list: list, simple: v.simple}, err
	case []any:
		return a.castAll(v)
	case *paramfile.Map:
		out := paramfile.NewMap()
		for _, k := range v.Keys() {
			x, _ := v.Get(k)
			y, err := a.cast(x)
			if err != nil {
				return nil, err
			}
			out.Set(k, y)
		}
		return out, nil
	}
	out, ok := convert(a.function, finished(v))
	if !ok {
		return nil, errs.New(errs.Usage, "%s cannot be made %s", paramfile.Encode(finished(v)), a.function)
	}
	return out, nil
}

func (a *arguments) castAll(list []any) ([]any, error) {
	out := make([]any, len(list))
	for i, v := range list {
		var err error
		if out[i], err = a.cast(v); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// convert makes v one of Python's int, float, str or bool, as Python does.
func convert(to string, v any) (any, bool) {
	text, isText := v.(string)
	text = strings.ReplaceAll(strings.TrimSpace(text), "_", "")
	f, isNumber := asFloat(v)
	switch to {
	case "str":
		if b, ok := v.(bool); ok {
			return strconv.FormatBool(b), true
		}
		if isText {
			return v, true
		}
		return paramfile.Text(v), v != nil
	case "bool":
		if isText {
			b, err := strconv.ParseBool(strings.ToLower(text))
			return b, err == nil && len(text) > 1 && (strings.EqualFold(text, "true") || strings.EqualFold(text, "false"))
		}
		return f != 0, isNumber
	case "float":
		if isText {
			f, err := strconv.ParseFloat(text, 64)
			return f, err == nil
		}
		return f, isNumber
	default: // int
		switch v := v.(type) {
		case int64, *big.Int:
			return v, true
		}
		if isText {
			n, err := strconv.ParseInt(text, 10, 64)
			return n, err == nil
		}
		return int64(f), isNumber && math.Abs(f) < 1<<53
	}
}
