// Package assets serves the built scripts and styles of the pages, which tools/bundle makes of web/ui.
//
// The name of each file ends with a hash of its content: shell.js is served as /assets/shell-XLNLDKZB.js, may be kept
// for ever, and is asked for once by a browser. A program that was built without npm has none of them; URL then says
// so, and the pages do without.
//
// # Concurrency
//
// All methods may be called from any goroutine.
package assets

import (
	"io/fs"
	"path"
	"regexp"
	"sync"
)

// Base is the path under which Handler serves.
const Base = "/assets/"

// Set is all files of a build. A nil Set is an empty one.
type Set struct {
	files map[string]*file  // by what they are served as: shell-XLNLDKZB.js
	names map[string]string // of the files, by that of their source: shell.js
}

// file is one of them, in each encoding that it is served in.
type file struct {
	name, kind string
	hash       string
	content    []byte
	encoded    func() map[string][]byte // by Content-Encoding, made when first asked for
}

// kinds are the media types by the end of the name; the operating system's may differ.
var kinds = map[string]string{
	".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".txt": "text/plain; charset=utf-8",
}

var hashed = regexp.MustCompile(`^(.+)-([A-Z2-7]{8})(\.(?:js|css|txt))$`)

// Open returns the files of a folder that are named after their content. Others it leaves alone.
func Open(folder fs.FS) (*Set, error) {
	s := &Set{files: make(map[string]*file), names: make(map[string]string)}
	entries, err := fs.ReadDir(folder, ".")
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		parts := hashed.FindStringSubmatch(e.Name())
		if parts == nil {
			continue
		}
		f := &file{name: e.Name(), kind: kinds[path.Ext(e.Name())], hash: parts[2]}
		if f.content, err = fs.ReadFile(folder, e.Name()); err != nil {
			return nil, err
		}
		f.encoded = sync.OnceValue(f.compress)
		s.files[f.name] = f
		s.names[parts[1]+parts[3]] = f.name
	}
	return s, nil
}

// URL returns where the file of that name is served, and whether it was built: "graph.js", "graph.css".
func (s *Set) URL(name string) (string, bool) {
	if s == nil {
		return "", false
	}
	served, ok := s.names[name]
	return Base + served, ok
}

// Missing tells an administrator what is missing and how to get it, or returns nothing.
func (s *Set) Missing() string {
	if s == nil || len(s.files) == 0 {
		return "the scripts of the pages are not part of this program, and the pages work without them: " +
			"to have them, install npm and run `make build`"
	}
	return ""
}
