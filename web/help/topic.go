package help

import (
	"bytes"
	"html/template"
	"io/fs"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// Topic is a document.
type Topic struct {
	Name, Title string
	Contents    []Heading // of the second level
	Filled      bool      // its examples have places
	parts       []string  // HTML and names of places, in turn
	sections    []section
}

// Heading is where a part of a document begins.
type Heading struct{ ID, Title string }

// Values fill the places in examples, by their names. What is missing stays as the document has it.
type Values map[string]string

// HTML is the document, from behind its title.
func (t *Topic) HTML(v Values) template.HTML {
	var b strings.Builder
	for i, part := range t.parts {
		switch value, ok := v[part]; {
		case i%2 == 0:
			b.WriteString(part)
		case ok && value != "":
			b.WriteString(template.HTMLEscapeString(value))
		default:
			b.WriteString(part)
		}
	}
	//nolint:gosec // goldmark leaves out what is HTML in a document, and what fills a place is escaped
	return template.HTML(b.String())
}

// read makes a topic of a document. Its drawings are among the files.
func read(files fs.FS, name string, source []byte, filled bool) (*Topic, error) {
	t := &Topic{Name: name, Filled: filled}
	m := goldmark.New(
		goldmark.WithExtensions(extension.Linkify, extension.NewTable(
			extension.WithTableCellAlignMethod(extension.TableCellAlignNone), // else by style, which the pages' policy refuses
		)),
		goldmark.WithParserOptions(parser.WithAutoHeadingID()),
		goldmark.WithRendererOptions(renderer.WithNodeRenderers(util.Prioritized(examples{filled, files}, 100))),
	)
	source = bytes.ReplaceAll(source, []byte(mark), nil)
	doc := m.Parser().Parse(text.NewReader(source))
	if first, ok := doc.FirstChild().(*ast.Heading); ok {
		t.Title = plain(first, source)
		doc.RemoveChild(doc, first)
	}
	err := ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if link, ok := n.(*ast.Link); ok && entering {
			link.Destination = []byte(address(string(link.Destination)))
		}
		return ast.WalkContinue, nil
	})
	if err != nil {
		return nil, err
	}
	t.index(doc, source)
	var b bytes.Buffer
	if err := m.Renderer().Render(&b, source, doc); err != nil {
		return nil, err
	}
	t.parts = strings.Split(b.String(), mark)
	return t, nil
}

// address is where a link of a document leads in the pages: to another document, to a page, or, where only the source
// has what it is about, there.
func address(to string) string {
	path, fragment, _ := strings.Cut(to, "#")
	if fragment != "" {
		fragment = "#" + fragment
	}
	name, isDocument := strings.CutSuffix(path, ".md")
	switch {
	case isDocument && known(name):
		return "/help/" + name + fragment
	case path == "", strings.HasPrefix(path, "/"), strings.Contains(path, "://"):
		return to
	}
	return "" // what the program does not have
}
