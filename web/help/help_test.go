package help

import (
	"strings"
	"testing"
)

// Whatever a document says, what is made of it has no script, style or handler, and what fills a place stays text.
func TestDocumentsStayHarmless(t *testing.T) {
	source := "# T\n\n<script>x</script> <b onclick=x>b</b> [a](javascript:x) [b](JAVASCRIPT:x) [c](data:text/html,x) " +
		"![i](javascript:x) <javascript:x>\n\n```\nHOST \x00IDENT\x00 <script>\n```\n\n| a | b |\n|---:|:--:|\n| `HOST` | HOST |\n"
	topic, err := read("t", []byte(source), true)
	if err != nil {
		t.Fatal(err)
	}
	html := string(topic.HTML(Values{"HOST": `"><script>`, "IDENT": "ada"}))
	for _, harm := range []string{"<script", "onclick=x>", "href=\"j", "href=\"J", "href=\"d", "src=\"j", "style="} {
		if strings.Contains(html, harm) {
			t.Errorf("%q in %s", harm, html)
		}
	}
	if !strings.Contains(html, "<code>&#34;&gt;&lt;script&gt;</code></td>\n<td>HOST</td>") ||
		!strings.Contains(html, "ada") || topic.Title != "T" {
		t.Error(html)
	}
}
