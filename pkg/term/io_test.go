package term_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/mlops-cli/mlops/pkg/term"
)

func streams() (t *term.IO, out, err *bytes.Buffer) {
	out, err = &bytes.Buffer{}, &bytes.Buffer{}
	return term.New(term.Config{Out: out, Err: err}), out, err
}

func TestResultIsTextOrJSON(t *testing.T) {
	t.Parallel()
	s, out, _ := streams()
	text := func(w io.Writer) error { _, err := fmt.Fprintln(w, "text"); return err }
	if err := s.Result(map[string]string{"a": "<b>"}, text); err != nil || out.String() != "text\n" {
		t.Errorf("text: %q, %v", out, err)
	}
	out.Reset()
	s.JSON = true
	if err := s.Result(map[string]string{"a": "<b>"}, text); err != nil || out.String() != "{\n  \"a\": \"<b>\"\n}\n" {
		t.Errorf("JSON: %q, %v", out, err)
	}
	out.Reset()
	var none []string
	if err := s.Result(none, text); err != nil || out.String() != "[]\n" {
		t.Errorf("an empty list is %q, %v", out, err)
	}
	out.Reset()
	if err := s.JSONLine(struct {
		Type string `json:"type"`
	}{"run"}); err != nil || out.String() != "{\"type\":\"run\"}\n" {
		t.Errorf("line: %q, %v", out, err)
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestAResultThatCannotBeWrittenIsAnError(t *testing.T) {
	t.Parallel()
	s := term.New(term.Config{Out: broken{}, Err: io.Discard})
	err := s.Result(nil, func(w io.Writer) error { _, err := io.WriteString(w, strings.Repeat("x", 10)); return err })
	if err == nil || !strings.Contains(err.Error(), "disk full") {
		t.Errorf("got %v", err)
	}
	if err := s.JSONLine(1); err == nil {
		t.Error("JSONLine did not fail")
	}
}

func TestMessagesGoToStderr(t *testing.T) {
	t.Parallel()
	s, out, err := streams()
	s.Note("noted %d", 1)
	s.Detail("not shown")
	s.Verbose = true
	s.Detail("shown")
	s.Warn("odd")
	s.Error("bad")
	s.Hint("do this")
	s.ErrJSON([]int{1})
	want := "noted 1\nshown\nmlops: warning: odd\nmlops: error: bad\nmlops: hint: do this\n[1]\n"
	if err.String() != want || out.Len() > 0 {
		t.Errorf("stderr %q, stdout %q", err, out)
	}
}

func TestFormats(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ got, want string }{
		{term.Bytes(0), "0 B"},
		{term.Bytes(1023), "1023 B"},
		{term.Bytes(1024), "1.0 KiB"},
		{term.Bytes(1<<20 - 1), "1.0 MiB"},
		{term.Bytes(5 << 30), "5.0 GiB"},
		{term.Bytes(1<<63 - 1), "8.0 EiB"},
		{term.Count(0), "0"},
		{term.Count(999), "999"},
		{term.Count(1234567), "1,234,567"},
		{term.Count(-123456), "-123,456"},
		{term.Plural(1, "file"), "1 file"},
		{term.Plural(1200, "file"), "1,200 files"},
		{term.Duration(-time.Second), "0s"},
		{term.Duration(340 * time.Millisecond), "0.3s"},
		{term.Duration(59 * time.Second), "59s"},
		{term.Duration(200 * time.Second), "3m20s"},
		{term.Duration(5*time.Hour + 7*time.Minute), "5h07m"},
		{term.Duration(76 * time.Hour), "3d4h"},
		{term.Cut("abcdef", 4), "abc…"},
		{term.Cut("abcdef", 6), "abcdef"},
		{term.Cut("漢字漢字", 5), "漢字…"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
	now := time.Date(2026, 1, 31, 0, 0, 0, 0, time.UTC)
	for ago, want := range map[time.Duration]string{
		time.Second: "just now", 90 * time.Second: "1 minute ago", 5 * time.Hour: "5 hours ago",
		72 * time.Hour: "3 days ago", 90 * 24 * time.Hour: "2025-11-02",
	} {
		if got := term.Ago(now, now.Add(-ago)); got != want {
			t.Errorf("%v ago is %q, want %q", ago, got, want)
		}
	}
}
