package ui

import (
	"regexp"
	"strings"
	"testing"
)

func TestMarkdown(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"# A b #":                        "<h2>A b</h2>",
		"one\ntwo  \nthree":              "<p>one\ntwo<br>\nthree</p>",
		"*a* **b** ~~c~~ `<d>`":          "<p><em>a</em> <strong>b</strong> <del>c</del> <code>&lt;d&gt;</code></p>",
		"snake_case_name stays":          "<p>snake_case_name stays</p>",
		"- a\n  - b\n- c":                "<ul><li>a<ul><li>b</li></ul></li><li>c</li></ul>",
		"1. a\n2. b":                     "<ol><li>a</li><li>b</li></ol>",
		"- [x] done\n- [ ] open":         `<ul><li class="task">☑ done</li><li class="task">☐ open</li></ul>`,
		"> a\n> b":                       "<blockquote><p>a\nb</p></blockquote>",
		"```py\na < b\n```":              "<pre><code>a &lt; b</code></pre>",
		"|a|b|\n|-|-|\n|1|2|":            "<table><thead><tr><th>a</th><th>b</th></tr></thead><tbody><tr><td>1</td><td>2</td></tr></tbody></table>",
		"---":                            "<hr>",
		"[x](https://a.b/c?d=1&e)":       `<p><a href="https://a.b/c?d=1&amp;e" rel="noreferrer noopener">x</a></p>`,
		"[x](javascript:alert(1))":       "<p>x)</p>",
		"see https://a.b/c.":             `<p>see <a href="https://a.b/c" rel="noreferrer noopener">https://a.b/c</a>.</p>`,
		`[x](https://a.b/"onclick=alert`: `<p>[x](<a href="https://a.b/%22onclick=alert" rel="noreferrer noopener">https://a.b/&#34;onclick=alert</a></p>`,
		"<b onclick=x>":                  "<p>&lt;b onclick=x&gt;</p>",
		"[`code`](https://a.b)":          `<p><a href="https://a.b" rel="noreferrer noopener"><code>code</code></a></p>`,
	} {
		if got := string(markdown(text)); got != want {
			t.Errorf("%q:\n got %s\nwant %s", text, got, want)
		}
	}
}

// FuzzMarkdown looks for a text that becomes another tag than ours.
func FuzzMarkdown(f *testing.F) {
	for _, text := range []string{"# a", "*a* [b](c) `d`", "- a\n  - b", "|a|\n|-|\n|b|", "[`x`](y)", "![i](https://x)", "> - `a\n", "\x010\x02[a](\x01)"} {
		f.Add(text)
	}
	ours := regexp.MustCompile(`<(/?(p|h[2-6]|pre|code|ul|ol|li|table|thead|tbody|tr|th|td|blockquote|strong|em|del)|hr|br|li class="task"|a href="[^"<>]*" rel="noreferrer noopener"|/a)>`)
	f.Fuzz(func(t *testing.T, text string) {
		left := ours.ReplaceAllString(string(markdown(text)), "")
		if strings.ContainsAny(left, `<>"`) {
			t.Errorf("%q leaves %q", text, left)
		}
		if strings.Contains(strings.ToLower(string(markdown(text))), `href="javascript:`) {
			t.Errorf("%q leads to a script", text)
		}
	})
}
