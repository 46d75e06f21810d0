package help

import (
	"encoding/base64"
	"fmt"
	"html/template"
	"io/fs"
	"path"
	"regexp"
	"strings"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/util"
)

// mark stands around the name of a place in what was rendered. It is taken out of documents.
const mark = "\x00"

// places are words of examples that stand for something of the server's or the reader's.
var places = regexp.MustCompile(`\b(HOST|PORT|SITE|ADDRESS|IDENT|SENSOR|HANDLE)\b`)

// examples renders code, with a mark around each place where the document has some, links and drawings.
type examples struct {
	filled bool
	files  fs.FS
}

// RegisterFuncs implements renderer.NodeRenderer.
func (e examples) RegisterFuncs(r renderer.NodeRendererFuncRegisterer) {
	r.Register(ast.KindCodeSpan, e.span)
	r.Register(ast.KindFencedCodeBlock, e.block)
	r.Register(ast.KindLink, e.link)
	r.Register(ast.KindImage, e.image)
}

func (e examples) code(text string) string {
	text = template.HTMLEscapeString(text)
	if !e.filled {
		return text
	}
	return places.ReplaceAllString(text, mark+"$1"+mark)
}

func (e examples) span(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	if entering {
		_, _ = w.WriteString("<code>" + e.code(plain(n, source)) + "</code>")
	}
	return ast.WalkSkipChildren, nil
}

// block has a button that copies it. Its number is its place in the document.
func (e examples) block(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	if !entering {
		return ast.WalkSkipChildren, nil
	}
	var b strings.Builder
	lines := n.Lines()
	for i := range lines.Len() {
		line := lines.At(i)
		b.Write(line.Value(source))
	}
	id := fmt.Sprintf("example-%d", lines.At(0).Start)
	_, _ = w.WriteString(`<div class="example"><pre class="payload-block" id="` + id + `" tabindex="0">` +
		e.code(strings.TrimSuffix(b.String(), "\n")) +
		`</pre><button type="button" hidden data-script data-copy-from="` + id + `">Copy</button></div>` + "\n")
	return ast.WalkSkipChildren, nil
}

// link renders a link as it is, and one that leads nowhere as its text.
func (e examples) link(w util.BufWriter, _ []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	to := n.(*ast.Link).Destination
	if len(to) == 0 || html.IsDangerousURL(to) {
		return ast.WalkContinue, nil
	}
	if entering {
		_, _ = w.WriteString(`<a href="` + template.HTMLEscapeString(string(to)) + `">`)
	} else {
		_, _ = w.WriteString("</a>")
	}
	return ast.WalkContinue, nil
}

// image has a drawing of ours in the page itself, which may show it by its policy and where it can run nothing. Of any
// other picture there is what it shows, in words.
func (e examples) image(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	if !entering {
		return ast.WalkContinue, nil
	}
	name, words := string(n.(*ast.Image).Destination), template.HTMLEscapeString(plain(n, source))
	drawing, err := fs.ReadFile(e.files, name)
	if err != nil || path.Ext(name) != ".svg" {
		_, _ = w.WriteString(words)
	} else {
		_, _ = w.WriteString(`<img src="data:image/svg+xml;base64,` + base64.StdEncoding.EncodeToString(drawing) +
			`" alt="` + words + `">`)
	}
	return ast.WalkSkipChildren, nil
}
