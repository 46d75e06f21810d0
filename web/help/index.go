package help

import (
	"strings"

	"github.com/yuin/goldmark/ast"
)

// section is what stands under a heading.
type section struct {
	Heading
	text string
}

// Hit is a section in which all words occur.
type Hit struct {
	Topic   *Topic
	Heading        // empty: before the first
	Text    string // around the first word
}

// maxHits is how many a search finds; around is how many bytes it shows of each.
const (
	maxHits = 50
	around  = 160
)

// index reads the headings of a document, and what stands under each.
func (t *Topic) index(doc ast.Node, source []byte) {
	now := section{}
	for n := doc.FirstChild(); n != nil; n = n.NextSibling() {
		if h, ok := n.(*ast.Heading); ok {
			t.sections = append(t.sections, now)
			now = section{Heading: Heading{Title: plain(h, source)}}
			if id, ok := h.AttributeString("id"); ok {
				now.ID = string(id.([]byte))
			}
			if h.Level == 2 {
				t.Contents = append(t.Contents, now.Heading)
			}
			continue
		}
		now.text += " " + plain(n, source)
	}
	t.sections = append(t.sections, now)
}

// Search finds sections in which all words occur, in any case.
func (l *Library) Search(text string) (hits []Hit) {
	words := strings.Fields(strings.ToLower(text))
	if len(words) == 0 {
		return nil
	}
	for _, shelf := range l.Shelves {
		for _, t := range shelf.Topics {
			for _, s := range t.sections {
				if len(hits) < maxHits && s.has(t, words) {
					hits = append(hits, Hit{t, s.Heading, s.around(words[0])})
				}
			}
		}
	}
	return hits
}

func (s section) has(t *Topic, words []string) bool {
	all := strings.ToLower(s.Title + " " + s.text)
	for _, w := range words {
		if !strings.Contains(all, w) && (s.ID != "" || !strings.Contains(strings.ToLower(t.Title), w)) {
			return false
		}
	}
	return true
}

// around is the text near a word, whole words of it.
func (s section) around(word string) string {
	fields := strings.Fields(s.text)
	first, size := 0, 0
	for i, f := range fields {
		if strings.Contains(strings.ToLower(f), word) {
			first = max(0, i-8)
			break
		}
	}
	last := first
	for last < len(fields) && size < around {
		size += len(fields[last]) + 1
		last++
	}
	shown := strings.Join(fields[first:last], " ")
	if first > 0 {
		shown = "… " + shown
	}
	if last < len(fields) {
		shown += " …"
	}
	return shown
}

// plain is the text of a node, without its marks.
func plain(n ast.Node, source []byte) string {
	var b strings.Builder
	_ = ast.Walk(n, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		switch n := n.(type) {
		case *ast.Text:
			if entering {
				b.Write(n.Segment.Value(source))
				if n.SoftLineBreak() || n.HardLineBreak() {
					b.WriteByte(' ')
				}
			}
		case *ast.String:
			if entering {
				b.Write(n.Value)
			}
		case *ast.FencedCodeBlock:
			for i := range n.Lines().Len() {
				line := n.Lines().At(i)
				b.Write(line.Value(source))
			}
		default:
			if !entering && n.Type() == ast.TypeBlock {
				b.WriteByte(' ')
			}
		}
		return ast.WalkContinue, nil
	})
	return strings.TrimSpace(b.String())
}
