package junit

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"
)

// Suite is one run.
type Suite struct {
	Name       string
	Started    time.Time
	Seconds    float64
	Properties []Property
	Cases      []Case
}

// Property is something to know of a suite.
type Property struct{ Name, Value string }

// Case is one stage. At most one of Failure and Skipped is set.
type Case struct {
	Class   string // what it belongs to: the pipeline file
	Name    string
	Seconds float64
	Failure *Failure
	Skipped *string // why
	Output  string  // what it printed
}

// Failure says why a case failed.
type Failure struct{ Message, Text string }

type xmlSuites struct {
	XMLName  xml.Name `xml:"testsuites"`
	Tests    int      `xml:"tests,attr"`
	Failures int      `xml:"failures,attr"`
	Errors   int      `xml:"errors,attr"`
	Time     string   `xml:"time,attr"`
	Suite    xmlSuite `xml:"testsuite"`
}

type xmlSuite struct {
	Name       string         `xml:"name,attr"`
	Tests      int            `xml:"tests,attr"`
	Failures   int            `xml:"failures,attr"`
	Errors     int            `xml:"errors,attr"`
	Skipped    int            `xml:"skipped,attr"`
	Time       string         `xml:"time,attr"`
	Timestamp  string         `xml:"timestamp,attr"`
	Properties *xmlProperties `xml:"properties"`
	Cases      []xmlCase      `xml:"testcase"`
}

type xmlProperties struct {
	Property []xmlProperty `xml:"property"`
}

type xmlProperty struct {
	Name  string `xml:"name,attr"`
	Value string `xml:"value,attr"`
}

type xmlCase struct {
	Class   string      `xml:"classname,attr"`
	Name    string      `xml:"name,attr"`
	Time    string      `xml:"time,attr"`
	Failure *xmlFailure `xml:"failure"`
	Skipped *xmlSkipped `xml:"skipped"`
	Output  *xmlText    `xml:"system-out"`
}

type xmlText struct {
	Text string `xml:",cdata"`
}

type xmlFailure struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr"`
	Text    string `xml:",cdata"`
}

type xmlSkipped struct {
	Message string `xml:"message,attr,omitempty"`
}

// Write writes a report of one suite.
func Write(w io.Writer, s Suite) error {
	out := xmlSuite{
		Name: clean(s.Name), Tests: len(s.Cases), Time: seconds(s.Seconds), Timestamp: s.Started.UTC().Format("2006-01-02T15:04:05"),
	}
	if len(s.Properties) > 0 {
		out.Properties = &xmlProperties{}
		for _, p := range s.Properties {
			out.Properties.Property = append(out.Properties.Property, xmlProperty{clean(p.Name), clean(p.Value)})
		}
	}
	for _, c := range s.Cases {
		x := xmlCase{Class: clean(c.Class), Name: clean(c.Name), Time: seconds(c.Seconds)}
		if c.Output != "" {
			x.Output = &xmlText{clean(c.Output)}
		}
		if c.Failure != nil {
			out.Failures++
			x.Failure = &xmlFailure{Message: clean(c.Failure.Message), Type: "failure", Text: clean(c.Failure.Text)}
		} else if c.Skipped != nil {
			out.Skipped++
			x.Skipped = &xmlSkipped{Message: clean(*c.Skipped)}
		}
		out.Cases = append(out.Cases, x)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return fmt.Errorf("write JUnit report: %w", err)
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(xmlSuites{Tests: out.Tests, Failures: out.Failures, Time: out.Time, Suite: out}); err != nil {
		return fmt.Errorf("write JUnit report: %w", err)
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func seconds(s float64) string { return fmt.Sprintf("%.3f", s) }

// clean drops what XML 1.0 cannot hold, and colours of terminals.
func clean(s string) string {
	if strings.ContainsRune(s, '\x1b') {
		s = withoutColour(s)
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\n' || r == '\r' || r >= 0x20 && r <= 0xD7FF || r >= 0xE000 && r < utf8.RuneError || r > utf8.RuneError && r <= utf8.MaxRune:
			return r
		case r == utf8.RuneError:
			return '?'
		default:
			return -1
		}
	}, s)
}

// withoutColour drops ESC [ … letter.
func withoutColour(s string) string {
	var b strings.Builder
	for len(s) > 0 {
		at := strings.Index(s, "\x1b[")
		if at < 0 {
			break
		}
		b.WriteString(s[:at])
		s = s[at+2:]
		end := strings.IndexFunc(s, func(r rune) bool { return r >= '@' && r <= '~' })
		if end < 0 {
			return b.String()
		}
		s = s[end+1:]
	}
	return b.String() + s
}
