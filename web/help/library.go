package help

import (
	"fmt"
	"io/fs"
	"slices"
)

// Library is the documents.
type Library struct {
	Shelves []Shelf
	topics  map[string]*Topic
}

// Shelf is the documents for one purpose.
type Shelf struct {
	Title  string
	Topics []*Topic
}

// shelves are the documents in the order in which they are listed; those of the first are filled in.
var shelves = []struct {
	title string
	names []string
}{
	{"Use", []string{"start", "concepts", "integrations", "history", "limits"}},
	{"Operate", []string{
		"install", "cli", "sensors", "tls", "migrate", "cluster", "backup", "metrics", "security", "reliability",
		"performance",
	}},
	{"Inside", []string{"protocol", "design"}},
}

// Open reads all documents.
func Open(files fs.FS) (*Library, error) {
	l := &Library{topics: make(map[string]*Topic)}
	for i, s := range shelves {
		shelf := Shelf{Title: s.title}
		for _, name := range s.names {
			source, err := fs.ReadFile(files, name+".md")
			if err != nil {
				return nil, fmt.Errorf("help: %w", err)
			}
			t, err := read(files, name, source, i == 0)
			if err != nil {
				return nil, fmt.Errorf("help: %s: %w", name, err)
			}
			shelf.Topics = append(shelf.Topics, t)
			l.topics[name] = t
		}
		l.Shelves = append(l.Shelves, shelf)
	}
	return l, nil
}

// Topic finds a document by its name.
func (l *Library) Topic(name string) (*Topic, bool) {
	t, ok := l.topics[name]
	return t, ok
}

// known reports whether a document of that name is bundled.
func known(name string) bool {
	return slices.ContainsFunc(shelves, func(s struct {
		title string
		names []string
	}) bool {
		return slices.Contains(s.names, name)
	})
}
