package errs

import (
	"slices"
	"strings"
)

// Nearest returns those of known that a person who typed word most likely
// meant, best first, at most three.
func Nearest(word string, known []string) []string {
	type match struct {
		name string
		dist int
	}
	var found []match
	low := strings.ToLower(word)
	for _, name := range known {
		d := distance(low, strings.ToLower(name))
		limit := max(1, min(len(low), len(name))/3)
		if d > limit && (len(low) < 2 || !strings.HasPrefix(strings.ToLower(name), low)) {
			continue
		}
		at := len(found)
		for at > 0 && found[at-1].dist > d {
			at--
		}
		found = append(found[:at], append([]match{{name, d}}, found[at:]...)...)
	}
	names := make([]string, 0, 3)
	for _, m := range found {
		if len(names) == 3 {
			break
		}
		names = append(names, m.name)
	}
	return names
}

// DidYouMean adds a hint with the nearest of known, where there is one. It
// returns e.
func (e *Error) DidYouMean(word string, known []string) *Error {
	if slices.Contains(known, word) {
		return e // well typed: something else is wrong
	}
	if near := Nearest(word, known); len(near) > 0 {
		e.Hint("did you mean %s?", strings.Join(near, ", "))
	}
	return e
}

// distance is the optimal string alignment distance: insertions, deletions,
// replacements and swaps of neighbours each cost one.
func distance(a, b string) int {
	prev2 := make([]int, len(b)+1)
	prev := make([]int, len(b)+1)
	cur := make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		cur[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				cur[j] = min(cur[j], prev2[j-2]+1)
			}
		}
		prev2, prev, cur = prev, cur, prev2
	}
	return prev[len(b)]
}
