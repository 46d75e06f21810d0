package style

import (
	"bytes"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// most is how many bytes the stylesheet may have.
const most = 20_000

func TestStylesheetIsSmall(t *testing.T) {
	if len(Sheet()) > most || bytes.Contains(Sheet(), []byte("/*")) || bytes.Contains(Sheet(), []byte("\n")) {
		t.Errorf("%d bytes, at most %d: %.80s", len(Sheet()), most, Sheet())
	}
	if a, b := bytes.Count(source, []byte("{")), bytes.Count(Sheet(), []byte("}")); a != b {
		t.Errorf("%d rules are written, and %d sent", a, b)
	}
}

// made are the classes that templates and scripts put together of parts.
var made = regexp.MustCompile(`^(depth|shade)-\d$`)

// What the stylesheet styles is there: in a template, in a script, or in what makes HTML of documents.
func TestStylesheetHasNothingUnused(t *testing.T) {
	var all strings.Builder
	for _, folder := range []string{"..", "../../ui", "../../help"} {
		err := fs.WalkDir(os.DirFS(folder), ".", func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() && d.Name() == "node_modules" {
				return fs.SkipDir
			}
			if slices.Contains([]string{".html", ".js", ".go"}, path.Ext(name)) && !strings.HasPrefix(name, "style/") {
				text, err := os.ReadFile(folder + "/" + name)
				all.Write(text)
				return err
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	words := make(map[string]bool) // that begin a quoted text, as names of classes do
	for _, quoted := range regexp.MustCompile("[\"`][\\w -]+|(?:class|id)=\"[^\"]*").FindAllString(all.String(), -1) {
		for _, w := range regexp.MustCompile(`[\w-]+`).FindAllString(quoted, -1) {
			words[w] = true
		}
	}
	selectors := regexp.MustCompile(`[^{}]+\{`).FindAllString(string(Sheet()), -1)
	if len(selectors) < 200 {
		t.Fatalf("only %d rules are looked at", len(selectors))
	}
	for _, s := range selectors {
		for _, name := range regexp.MustCompile(`[.#]([a-zA-Z][\w-]*)`).FindAllStringSubmatch(s, -1) {
			if !words[name[1]] && !made.MatchString(name[1]) {
				t.Errorf("nothing has %s: %s", name[0], s)
			}
		}
		for _, name := range regexp.MustCompile(`(?:^|[ ,(>+])([a-z]+)\b`).FindAllStringSubmatch(" "+s, -1) {
			if !strings.Contains(s, "@") && !slices.Contains([]string{"from", "to", "html", "body"}, name[1]) &&
				!strings.Contains(all.String(), "<"+name[1]) && !strings.Contains(all.String(), `"`+name[1]+`"`) {
				t.Errorf("nothing is a <%s>: %s", name[1], s)
			}
		}
	}
}
