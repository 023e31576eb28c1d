package ignore

import "strings"

// verdict is what matching a part of a pattern found. The last two end the
// search early: no later start of the text, or none before the next "**", can
// match.
type verdict byte

const (
	noMatch verdict = iota
	matched
	abortAll
	abortToStarStar
)

// Glob reports whether the whole slash path name matches pattern: * and ? stay
// within a name, ** crosses slashes, [a-z] is a class, a backslash takes the
// next character as it is.
func Glob(pattern, name string) bool { return wildmatch(pattern, name, true) == matched }

// HasMeta reports whether pattern has characters that Glob does not take as
// they are.
func HasMeta(pattern string) bool { return strings.ContainsAny(pattern, `*?[\`) }

// at is the byte of s at i, 0 behind its end: names and patterns hold no NUL.
func at(s string, i int) byte {
	if i < len(s) {
		return s[i]
	}
	return 0
}

// wildmatch matches as git does. With pathname, * and ? do not match a slash.
func wildmatch(pat, text string, pathname bool) verdict {
	p, t := 0, 0
	for ; p < len(pat); p, t = p+1, t+1 {
		c, x := pat[p], at(text, t)
		if x == 0 && c != '*' {
			return abortAll
		}
		switch c {
		case '\\':
			p++
			if x != at(pat, p) {
				return noMatch
			}
		case '?':
			if pathname && x == '/' {
				return noMatch
			}
		case '*':
			v, skip, slash := star(pat, p, text[t:], pathname)
			if !slash {
				return v
			}
			p, t = p+1, t+skip
		case '[':
			hit, end := class(pat, p+1, x)
			if end < 0 {
				return abortAll
			}
			if !hit || pathname && x == '/' {
				return noMatch
			}
			p = end
		default:
			if x != c {
				return noMatch
			}
		}
	}
	if t < len(text) {
		return noMatch
	}
	return matched
}

// star matches the stars at pat[p] and all that follows. For a single star
// before a slash it only finds that slash: slash is true and skip its place in
// text.
func star(pat string, p int, text string, pathname bool) (v verdict, skip int, slash bool) {
	start := p
	for at(pat, p) == '*' {
		p++
	}
	cross := !pathname
	if p-start > 1 && pathname {
		cross = (start == 0 || pat[start-1] == '/') &&
			(p == len(pat) || pat[p] == '/' || pat[p] == '\\' && at(pat, p+1) == '/')
		if cross && at(pat, p) == '/' && wildmatch(pat[p+1:], text, pathname) == matched {
			return matched, 0, false
		}
	}
	if p == len(pat) {
		if !cross && strings.Contains(text, "/") {
			return abortToStarStar, 0, false
		}
		return matched, 0, false
	}
	if !cross && pat[p] == '/' && p-start == 1 {
		i := strings.IndexByte(text, '/')
		if i < 0 {
			return abortAll, 0, false
		}
		return noMatch, i, true
	}
	for i := range len(text) {
		v := wildmatch(pat[p:], text[i:], pathname)
		if v != noMatch && (!cross || v != abortToStarStar) {
			return v, 0, false
		}
		if v == noMatch && !cross && text[i] == '/' {
			return abortToStarStar, 0, false
		}
	}
	return abortAll, 0, false
}

// class matches x against the set whose first character is pat[p]. End is the
// place of its "]", negative when the set is malformed.
func class(pat string, p int, x byte) (hit bool, end int) {
	negated := at(pat, p) == '!' || at(pat, p) == '^'
	if negated {
		p++
	}
	var last byte
	for first := true; first || at(pat, p) != ']'; first = false {
		c := at(pat, p)
		switch {
		case c == 0:
			return false, -1
		case c == '\\':
			p++
			if c = at(pat, p); c == 0 {
				return false, -1
			}
			hit = hit || x == c
		case c == '-' && last != 0 && at(pat, p+1) != 0 && at(pat, p+1) != ']':
			p++
			if c = at(pat, p); c == '\\' {
				p++
				if c = at(pat, p); c == 0 {
					return false, -1
				}
			}
			hit = hit || last <= x && x <= c
			c = 0
		case c == '[' && at(pat, p+1) == ':':
			i := strings.IndexByte(pat[p+2:], ']')
			if i < 0 {
				return false, -1
			}
			if i == 0 || pat[p+1+i] != ':' {
				hit = hit || x == '['
				break
			}
			in, known := named(pat[p+2:p+1+i], x)
			if !known {
				return false, -1
			}
			hit = hit || in
			p += 2 + i
			c = 0
		default:
			hit = hit || x == c
		}
		last = c
		p++
	}
	return hit != negated, p
}

// named reports whether x is in the POSIX class name.
func named(name string, x byte) (in, known bool) {
	lower, upper, digit := x >= 'a' && x <= 'z', x >= 'A' && x <= 'Z', x >= '0' && x <= '9'
	graph := x > ' ' && x < 0x7f
	switch name {
	case "alnum":
		return lower || upper || digit, true
	case "alpha":
		return lower || upper, true
	case "blank":
		return x == ' ' || x == '\t', true
	case "cntrl":
		return x < ' ' || x == 0x7f, true
	case "digit":
		return digit, true
	case "graph":
		return graph, true
	case "lower":
		return lower, true
	case "print":
		return graph || x == ' ', true
	case "punct":
		return graph && !lower && !upper && !digit, true
	case "space":
		return x == ' ' || x >= '\t' && x <= '\r', true
	case "upper":
		return upper, true
	case "xdigit":
		return digit || x >= 'a' && x <= 'f' || x >= 'A' && x <= 'F', true
	}
	return false, false
}
