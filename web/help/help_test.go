package help

import (
	"strings"
	"testing"
	"testing/fstest"
)

// Whatever a document says, what is made of it has no script, style or handler, and what fills a place stays text.
func TestDocumentsStayHarmless(t *testing.T) {
	source := "# T\n\n<script>x</script> <b onclick=x>b</b> [a](javascript:x) [b](JAVASCRIPT:x) [c](data:text/html,x) " +
		"![i](javascript:x) <javascript:x>\n\n```\nHOST \x00IDENT\x00 <script>\n```\n\n| a | b |\n|---:|:--:|\n| `HOST` | HOST |\n"
	topic, err := read(fstest.MapFS{}, "t", []byte(source), true)
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

// A drawing is in the page itself, with its words; of any other picture there are the words only.
func TestDrawingsAreInThePage(t *testing.T) {
	files := fstest.MapFS{
		"pictures/a.svg": {Data: []byte("<svg/>")}, "a.md": {Data: []byte("# Secret")},
	}
	source := `![a *drawing* ">](pictures/a.svg) ![b](pictures/b.svg) ![c](a.md) ![d](//x/d.svg)`
	topic, err := read(files, "t", []byte(source), true)
	if err != nil {
		t.Fatal(err)
	}
	want := `<p><img src="data:image/svg+xml;base64,PHN2Zy8+" alt="a drawing &#34;&gt;"> b c d</p>` + "\n"
	if got := string(topic.HTML(nil)); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
