package ui

import (
	"maps"
	"net/url"
	"slices"
)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func queryEscape(s string) string { return url.QueryEscape(s) }
