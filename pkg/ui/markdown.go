package ui

import (
	"fmt"
	"html/template"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// markdown makes HTML of what people write in notes and model cards: headings,
// paragraphs, lists, tasks, tables, quotes, code, rules, emphasis and links.
// Nothing of the text is HTML: what looks like it is shown as it stands.
func markdown(text string) template.HTML {
	m := &marker{lines: strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")}
	m.blocks()
	return template.HTML(m.out.String()) //nolint:gosec // every text goes through escape
}

type marker struct {
	lines []string
	at    int
	out   strings.Builder
	depth int
}

func escape(s string) string { return template.HTMLEscapeString(s) }

// markdownRules are the beginnings of blocks.
type markdownRules struct{ heading, fence, rule, item, table *regexp.Regexp }

func rules() markdownRules {
	return markdownRules{
		heading: regexp.MustCompile(`^(#{1,6})\s+(.*?)\s*#*$`),
		fence:   regexp.MustCompile("^\\s*(```+|~~~+)"),
		rule:    regexp.MustCompile(`^\s*([-*_])(\s*[-*_]){2,}\s*$`),
		item:    regexp.MustCompile(`^(\s*)([-*+]|\d{1,9}[.)])\s+(.*)$`),
		table:   regexp.MustCompile(`^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$`),
	}
}

func (m *marker) blocks() {
	r := rules()
	for m.at < len(m.lines) {
		line := m.lines[m.at]
		switch {
		case strings.TrimSpace(line) == "":
			m.at++
		case r.fence.MatchString(line):
			m.code(r.fence.FindStringSubmatch(line)[1])
		case r.heading.MatchString(line):
			h := r.heading.FindStringSubmatch(line)
			// The page has its own heading of the first level.
			level := min(len(h[1])+1, 6)
			fmt.Fprintf(&m.out, "<h%d>%s</h%d>", level, inline(h[2]), level)
			m.at++
		case r.rule.MatchString(line):
			m.out.WriteString("<hr>")
			m.at++
		case strings.HasPrefix(strings.TrimSpace(line), ">"):
			m.quote()
		case r.item.MatchString(line):
			m.list(r)
		case strings.Contains(line, "|") && m.at+1 < len(m.lines) && r.table.MatchString(m.lines[m.at+1]) && strings.Contains(m.lines[m.at+1], "-"):
			m.table()
		default:
			m.paragraph(r)
		}
	}
}

func (m *marker) code(fence string) {
	m.at++
	var body []string
	for m.at < len(m.lines) && !strings.HasPrefix(strings.TrimSpace(m.lines[m.at]), fence) {
		body = append(body, m.lines[m.at])
		m.at++
	}
	m.at++
	m.out.WriteString("<pre><code>" + escape(strings.Join(body, "\n")) + "</code></pre>")
}

// inner makes blocks of lines that stand inside another block.
func (m *marker) inner(lines []string) {
	if m.depth > 8 {
		m.out.WriteString(inline(strings.Join(lines, " ")))
		return
	}
	in := &marker{lines: lines, depth: m.depth + 1}
	in.blocks()
	m.out.WriteString(in.out.String())
}

func (m *marker) quote() {
	var body []string
	for m.at < len(m.lines) {
		line, ok := strings.CutPrefix(strings.TrimSpace(m.lines[m.at]), ">")
		if !ok {
			break
		}
		body = append(body, strings.TrimPrefix(line, " "))
		m.at++
	}
	m.out.WriteString("<blockquote>")
	m.inner(body)
	m.out.WriteString("</blockquote>")
}

func (m *marker) list(r markdownRules) {
	first := r.item.FindStringSubmatch(m.lines[m.at])
	tag := "ul"
	if strings.ContainsAny(first[2], ".)") {
		tag = "ol"
	}
	indent := len(first[1])
	m.out.WriteString("<" + tag + ">")
	for m.at < len(m.lines) {
		item := r.item.FindStringSubmatch(m.lines[m.at])
		if item == nil || len(item[1]) != indent || (tag == "ol") != strings.ContainsAny(item[2], ".)") {
			break
		}
		m.at++
		var more []string
		for m.at < len(m.lines) {
			line := m.lines[m.at]
			blank := strings.TrimSpace(line) == ""
			if deep := len(line) - len(strings.TrimLeft(line, " ")); !blank && deep <= indent {
				break
			}
			if blank && (m.at+1 >= len(m.lines) || len(m.lines[m.at+1])-len(strings.TrimLeft(m.lines[m.at+1], " ")) <= indent) {
				break
			}
			more = append(more, strings.TrimPrefix(line, strings.Repeat(" ", min(indent+2, len(line)-len(strings.TrimLeft(line, " "))))))
			m.at++
		}
		text := item[3]
		switch {
		case strings.HasPrefix(text, "[ ] "):
			m.out.WriteString(`<li class="task">☐ ` + inline(text[4:]))
		case strings.HasPrefix(text, "[x] "), strings.HasPrefix(text, "[X] "):
			m.out.WriteString(`<li class="task">☑ ` + inline(text[4:]))
		default:
			m.out.WriteString("<li>" + inline(text))
		}
		if len(more) > 0 {
			m.inner(more)
		}
		m.out.WriteString("</li>")
		for m.at+1 < len(m.lines) && strings.TrimSpace(m.lines[m.at]) == "" && r.item.MatchString(m.lines[m.at+1]) {
			m.at++
		}
	}
	m.out.WriteString("</" + tag + ">")
}

func (m *marker) table() {
	row := func(line, tag string) {
		m.out.WriteString("<tr>")
		for cell := range strings.SplitSeq(strings.Trim(strings.TrimSpace(line), "|"), "|") {
			m.out.WriteString("<" + tag + ">" + inline(strings.TrimSpace(cell)) + "</" + tag + ">")
		}
		m.out.WriteString("</tr>")
	}
	m.out.WriteString("<table><thead>")
	row(m.lines[m.at], "th")
	m.out.WriteString("</thead><tbody>")
	for m.at += 2; m.at < len(m.lines) && strings.Contains(m.lines[m.at], "|"); m.at++ {
		row(m.lines[m.at], "td")
	}
	m.out.WriteString("</tbody></table>")
}

func (m *marker) paragraph(r markdownRules) {
	var body []string
	for m.at < len(m.lines) {
		line := m.lines[m.at]
		if strings.TrimSpace(line) == "" || len(body) > 0 && (r.heading.MatchString(line) || r.fence.MatchString(line) || r.item.MatchString(line) || strings.HasPrefix(strings.TrimSpace(line), ">")) {
			break
		}
		if cut, ok := strings.CutSuffix(line, "  "); ok {
			line = cut + "\x03"
		}
		body = append(body, strings.TrimLeft(line, " "))
		m.at++
	}
	m.out.WriteString("<p>" + strings.ReplaceAll(inline(strings.Join(body, "\n")), "\x03", "<br>") + "</p>")
}

// inline makes HTML of the text of a block. The text is escaped first; what is
// added is ours.
func inline(text string) string {
	var kept []string
	keep := func(html string) string {
		kept = append(kept, html)
		return fmt.Sprintf("\x01%d\x02", len(kept)-1)
	}
	text = strings.NewReplacer("\x01", "", "\x02", "").Replace(text)
	text = regexp.MustCompile("(`+)(.+?)`+").ReplaceAllStringFunc(text, func(s string) string {
		return keep("<code>" + escape(strings.TrimSpace(strings.Trim(s, "`"))) + "</code>")
	})
	link := regexp.MustCompile(`(!?)\[([^\]]*)\]\(\s*<?([^)\s>]+)>?[^)]*\)`)
	text = link.ReplaceAllStringFunc(text, func(s string) string {
		parts := link.FindStringSubmatch(s)
		return keep(anchor(parts[2], parts[3]))
	})
	text = regexp.MustCompile(`https?://[^\s<>()\x01]+[^\s<>().,;:!?'"\x01]`).ReplaceAllStringFunc(text, func(s string) string { return keep(anchor(s, s)) })
	text = escape(text)
	for _, e := range []struct{ pattern, html string }{
		{`\*\*(\S(?:.*?\S)?)\*\*`, "<strong>$1</strong>"},
		{`__(\S(?:.*?\S)?)__`, "<strong>$1</strong>"},
		{`\*(\S(?:.*?\S)?)\*`, "<em>$1</em>"},
		{`(^|\W)_(\S(?:.*?\S)?)_(\W|$)`, "$1<em>$2</em>$3"},
		{`~~(.+?)~~`, "<del>$1</del>"},
	} {
		text = regexp.MustCompile(e.pattern).ReplaceAllString(text, e.html)
	}
	// What was kept may hold what was kept before it.
	for i, html := range slices.Backward(kept) {
		text = strings.ReplaceAll(text, fmt.Sprintf("\x01%d\x02", i), html)
	}
	return text
}

// anchor is a link to a web page, a mail address or a place here; others are
// only text.
func anchor(text, target string) string {
	u, err := url.Parse(target)
	if err != nil || (u.Scheme != "" && u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "mailto") {
		return escape(text)
	}
	return `<a href="` + escape(u.String()) + `" rel="noreferrer noopener">` + escape(text) + "</a>"
}
