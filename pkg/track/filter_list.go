package track

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
)

// ListLanguage is the language of a kind of things that are few enough to be
// looked at one by one: attributes that are text, and others that are numbers.
// See Sift.
func ListLanguage(things string, texts, numbers []string) Language {
	l := Language{things: things, entities: entities(Attributes)}
	for _, name := range texts {
		l.attributes = append(l.attributes, attribute{name: name, list: true})
	}
	for _, name := range numbers {
		l.attributes = append(l.attributes, attribute{name: name, numeric: true})
	}
	return l
}

// Sift returns those of a list of which all of a filter holds, in an order; what
// it leaves open stays as it was. Attribute is a value of one: its text, or where
// the language has a number, that.
func Sift[T any](list []T, f Filter, order []Order, attribute func(T, string) (text string, number float64)) []T {
	kept := make([]T, 0, len(list))
	tests := make([]func(string, float64) bool, len(f))
	for i, c := range f {
		tests[i] = c.test()
	}
	for _, one := range list {
		holds := true
		for i, c := range f {
			holds = holds && tests[i](attribute(one, c.Key))
		}
		if holds {
			kept = append(kept, one)
		}
	}
	slices.SortStableFunc(kept, func(a, b T) int {
		for _, o := range order {
			textA, numberA := attribute(a, o.Key)
			textB, numberB := attribute(b, o.Key)
			n := cmp.Or(cmp.Compare(textA, textB), cmp.Compare(numberA, numberB))
			if o.Descending {
				n = -n
			}
			if n != 0 {
				return n
			}
		}
		return 0
	})
	return kept
}

// test is the condition as a function.
func (c Condition) test() func(text string, number float64) bool {
	compare := func(text string, number float64) int {
		return cmp.Or(cmp.Compare(text, c.Text), cmp.Compare(number, c.Number))
	}
	switch c.Op {
	case Equal:
		return func(t string, n float64) bool { return compare(t, n) == 0 }
	case NotEqual:
		return func(t string, n float64) bool { return compare(t, n) != 0 }
	case Less:
		return func(t string, n float64) bool { return compare(t, n) < 0 }
	case LessEqual:
		return func(t string, n float64) bool { return compare(t, n) <= 0 }
	case Greater:
		return func(t string, n float64) bool { return compare(t, n) > 0 }
	case GreaterEqual:
		return func(t string, n float64) bool { return compare(t, n) >= 0 }
	case Like, ILike:
		pattern := like(c.Text, c.Op == ILike)
		return func(t string, _ float64) bool { return pattern.MatchString(t) }
	case In:
		return func(t string, _ float64) bool { return slices.Contains(c.List, t) }
	case NotIn:
		return func(t string, _ float64) bool { return !slices.Contains(c.List, t) }
	case IsNull:
		return func(t string, _ float64) bool { return t == "" }
	case NotNull:
		return func(t string, _ float64) bool { return t != "" }
	}
	return func(string, float64) bool { return false }
}

// like is a pattern of LIKE: % stands for any text, _ for a character.
func like(pattern string, fold bool) *regexp.Regexp {
	var b strings.Builder
	b.WriteString("(?s")
	if fold {
		b.WriteString("i")
	}
	b.WriteString(")^")
	for _, r := range pattern {
		switch r {
		case '%':
			b.WriteString(".*")
		case '_':
			b.WriteString(".")
		default:
			b.WriteString(regexp.QuoteMeta(string(r)))
		}
	}
	return regexp.MustCompile(b.String() + "$")
}
