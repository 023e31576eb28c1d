package metricfile

import (
	"cmp"
	"maps"
	"slices"
)

// File is one metrics or plot file.
type File struct {
	Path string // slash path; its extension decides the format
	Data []byte
	Plot bool

	// What the pipeline says of a plot; all may be empty.
	X        string   // column of the steps
	Y        []string // only these columns
	Template string   // see IsCurve
}

// Series is the points of one metric in the order of the file.
type Series struct {
	Key    string
	Points []Point
}

// Point is one value. Time is in ms since 1970; 0 means not known.
type Point struct {
	Step, Time int64
	Value      float64
}

// Read returns the series of all files, by key. A file that cannot be read is
// left out and has its error in the second result.
func Read(files []File) ([]Series, []error) {
	scalars := map[string]map[string]Series{}
	columns := map[string]map[string]Series{}
	var problems []error
	for _, f := range files {
		into, read := scalars, readMetrics
		if f.Plot {
			into, read = columns, readPlot
		}
		found, err := read(f)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		byKey := make(map[string]Series, len(found))
		for _, s := range found {
			byKey[s.Key] = s
		}
		into[f.Path] = byKey
	}
	named := Merge(scalars, nil)
	taken := make(map[string]bool, len(named))
	for key := range named {
		taken[key] = true
	}
	maps.Copy(named, Merge(columns, taken))
	all := make([]Series, 0, len(named))
	for key, s := range named {
		s.Key = key
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b Series) int { return cmp.Compare(a.Key, b.Key) })
	return all, problems
}

// Readable reports whether a path has the extension of a format that Read knows.
func Readable(path string) bool {
	switch ext(path) {
	case ".json", ".jsonl", ".ndjson", ".yaml", ".yml", ".toml", ".csv", ".tsv":
		return true
	default:
		return false
	}
}

// Merge joins the keys of several files: a key stays as it is when no other
// file has it and it is not taken, else it becomes file:key. It does for
// params what Read does for metrics.
func Merge[V any](byFile map[string]map[string]V, taken map[string]bool) map[string]V {
	count := map[string]int{}
	for _, keys := range byFile {
		for key := range keys {
			count[key]++
		}
	}
	merged := make(map[string]V, len(count))
	for file, keys := range byFile {
		for key, v := range keys {
			if count[key] > 1 || taken[key] {
				key = file + ":" + key
			}
			merged[key] = v
		}
	}
	return merged
}
