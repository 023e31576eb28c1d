package ui

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html/template"
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/mlops-cli/mlops/pkg/plot"
	"github.com/mlops-cli/mlops/pkg/track"
)

// functions are what templates call.
func (u *pages) functions() template.FuncMap {
	return template.FuncMap{
		"asset":    u.assets.url,
		"bytes":    byteSize,
		"signed":   signedBytes,
		"count":    count,
		"plural":   func(n any, one, many string) string { return plural(toInt(n), one, many) },
		"short":    short,
		"revision": revision,
		"ago":      u.ago,
		"stamp":    stamp,
		"iso":      iso,
		"seconds":  seconds,
		"took":     u.took,
		"number":   valueText,
		"lower":    func(s track.Status) string { return strings.ToLower(string(s)) },
		"title":    func(s track.Status) string { return strings.ToUpper(string(s[:1])) + strings.ToLower(string(s[1:])) },
		"state":    stateText,
		"what":     func(kind string) string { return strings.ReplaceAll(strings.TrimPrefix(kind, "model."), "_", " ") },
		"details":  details,
		"path":     func(p any) string { return escapePath(fmt.Sprint(p)) },
		"join":     strings.Join,
		"parts":    parts,
		"nav":      nav,
		"inc":      func(i int) int { return i + 1 },
	}
}

// escapePath makes a slash path part of a URL.
func escapePath(p string) string {
	parts := strings.Split(p, "/")
	for i, s := range parts {
		parts[i] = url.PathEscape(s)
	}
	return strings.Join(parts, "/")
}

// byteSize writes a number of bytes for people.
func byteSize(n int64) string {
	const unit = 1024
	if n < unit {
		return strconv.FormatInt(n, 10) + " B"
	}
	value, prefix := float64(n)/unit, 0
	for value >= unit && prefix < 4 {
		value /= unit
		prefix++
	}
	return strconv.FormatFloat(value, 'f', 1, 64) + " " + "KMGTP"[prefix:prefix+1] + "iB"
}

// signedBytes is byteSize of a difference.
func signedBytes(n int64) string {
	if n < 0 {
		return "−" + byteSize(-n)
	}
	return "+" + byteSize(n)
}

func toInt(n any) int {
	switch n := n.(type) {
	case int64:
		return int(n)
	case int:
		return n
	}
	return 0
}

// parts is a name that a line may break in where its words end.
func parts(name string) template.HTML {
	safe := template.HTMLEscapeString(name)
	return template.HTML(strings.NewReplacer("_", "_<wbr>", "/", "/<wbr>", ".", ".<wbr>", "-", "-<wbr>").Replace(safe)) //nolint:gosec // escaped above
}

// count writes a number with spaces between thousands.
func count(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "\u202f" + s[i:]
	}
	return s
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return count(int64(n)) + " " + many
}

// short is the beginning of an id.
func short(id any) string {
	s := fmt.Sprint(id)
	return s[:min(len(s), 8)]
}

// revision is a name of git, or the beginning of an id.
func revision(name string) string {
	if _, err := hex.DecodeString(name); err != nil || len(name) < 40 {
		return name
	}
	return short(name)
}

// ago writes how long ago a time in milliseconds was.
func (u *pages) ago(ms int64) string {
	if ms == 0 {
		return ""
	}
	d := u.Clock.Now().Sub(time.UnixMilli(ms))
	switch {
	case d < time.Minute:
		return "just now"
	case d < time.Hour:
		return plural(int(d.Minutes()), "minute", "minutes") + " ago"
	case d < 24*time.Hour:
		return plural(int(d.Hours()), "hour", "hours") + " ago"
	case d < 30*24*time.Hour:
		return plural(int(d.Hours()/24), "day", "days") + " ago"
	default:
		return time.UnixMilli(ms).UTC().Format("2 Jan 2006")
	}
}

// stamp is a time in full, for people; scripts turn it into local time.
func stamp(ms int64) string {
	if ms == 0 {
		return ""
	}
	return time.UnixMilli(ms).UTC().Format("2006-01-02 15:04:05 UTC")
}

func iso(ms int64) string { return time.UnixMilli(ms).UTC().Format(time.RFC3339) }

// seconds writes a duration.
func seconds(s float64) string {
	switch {
	case s < 0.0005:
		return "0 s"
	case s < 1:
		return strconv.FormatFloat(s*1000, 'f', 0, 64) + " ms"
	case s < 60:
		return strconv.FormatFloat(s, 'f', 1, 64) + " s"
	case s < 3600:
		return fmt.Sprintf("%d min %02d s", int(s)/60, int(s)%60)
	case s < 86400:
		return fmt.Sprintf("%d h %02d min", int(s)/3600, int(s)/60%60)
	default:
		return fmt.Sprintf("%d d %02d h", int(s)/86400, int(s)/3600%24)
	}
}

// took is how long a run took, or has taken so far.
func (u *pages) took(start, end int64) string {
	if start == 0 {
		return ""
	}
	if end == 0 {
		end = u.Clock.Now().UnixMilli()
	}
	return seconds(float64(end-start) / 1000)
}

// stateText says what state a stage is in, or what became of it.
func stateText(s string) string {
	switch s {
	case "skip":
		return "up to date"
	case "run":
		return "will run"
	case "restore":
		return "from the cache"
	case "none":
		return "not known"
	case "skipped":
		return "skipped: up to date"
	case "restored":
		return "restored from the cache"
	}
	return s
}

// valueText writes a value of a metric. MLflow's clients send the largest number
// for infinity.
func valueText(v track.Value) string {
	switch f := float64(v); {
	case f >= math.MaxFloat64:
		return "∞"
	case f <= -math.MaxFloat64:
		return "−∞"
	case math.Abs(f) >= 1e6 && math.Abs(f) < 1e12:
		return strconv.FormatFloat(math.Round(f), 'f', -1, 64)
	default:
		return plot.Number(f)
	}
}

// details are the words of an event.
func details(data string) []fact {
	var words map[string]any
	if json.Unmarshal([]byte(data), &words) != nil {
		return nil
	}
	var all []fact
	for _, key := range sortedKeys(words) {
		var parts []string
		switch inner := words[key].(type) {
		case map[string]any:
			for _, name := range sortedKeys(inner) {
				parts = append(parts, fmt.Sprint(name, " ", inner[name]))
			}
			words[key] = strings.Join(parts, ", ")
		case []any:
			for _, one := range inner {
				parts = append(parts, fmt.Sprint(one))
			}
			words[key] = strings.Join(parts, ", ")
		}
		// What there was not before is not worth a word.
		if text := fmt.Sprint(words[key]); text != "" && words[key] != nil && (key != "from" || text != "0") {
			all = append(all, fact{Name: key, Text: text})
		}
	}
	return all
}
