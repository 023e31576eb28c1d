package term

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/olekukonko/tablewriter/pkg/twwidth"
)

// Bytes writes a size for people: 512 B, 4.0 KiB, 1.2 GiB.
func Bytes(n int64) string {
	if n < 1024 {
		return strconv.FormatInt(n, 10) + " B"
	}
	v, unit := float64(n)/1024, 0
	for v >= 1023.95 && unit < 5 {
		v /= 1024
		unit++
	}
	return fmt.Sprintf("%.1f %ciB", v, "KMGTPE"[unit])
}

// Count writes a number with thousands parted: 1,234,567.
func Count(n int64) string {
	s := strconv.FormatInt(n, 10)
	first := 0
	if n < 0 {
		first = 1
	}
	for i := len(s) - 3; i > first; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Plural writes a number with its word: 1 file, 2 files.
func Plural(n int64, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return Count(n) + " " + word + "s"
}

// Duration writes a time span for people: 0.4s, 12s, 3m20s, 5h07m, 3d4h.
func Duration(d time.Duration) string {
	s := int64(d.Round(time.Second) / time.Second)
	switch {
	case d < 0:
		return "0s"
	case d < 10*time.Second:
		return strconv.FormatFloat(d.Round(100*time.Millisecond).Seconds(), 'f', 1, 64) + "s"
	case s < 60:
		return fmt.Sprintf("%ds", s)
	case s < 3600:
		return fmt.Sprintf("%dm%02ds", s/60, s%60)
	case s < 24*3600:
		return fmt.Sprintf("%dh%02dm", s/3600, s%3600/60)
	default:
		return fmt.Sprintf("%dd%dh", s/86400, s%86400/3600)
	}
}

// Ago writes how long ago t was: just now, 5 minutes ago, 3 days ago.
func Ago(now, t time.Time) string {
	d := now.Sub(t)
	switch {
	case d < 10*time.Second:
		return "just now"
	case d < time.Minute:
		return Plural(int64(d/time.Second), "second") + " ago"
	case d < time.Hour:
		return Plural(int64(d/time.Minute), "minute") + " ago"
	case d < 24*time.Hour:
		return Plural(int64(d/time.Hour), "hour") + " ago"
	case d < 60*24*time.Hour:
		return Plural(int64(d/(24*time.Hour)), "day") + " ago"
	default:
		return t.Format("2006-01-02")
	}
}

// Width is the number of columns that s takes on a terminal.
func Width(s string) int {
	if !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r >= 0x7f }) {
		return len(s)
	}
	return twwidth.WidthNoCache(s)
}

// Cut shortens s to width columns, with an ellipsis where something is gone.
func Cut(s string, width int) string {
	if width <= 0 || Width(s) <= width {
		return s
	}
	return twwidth.Truncate(s, width, "…")
}
