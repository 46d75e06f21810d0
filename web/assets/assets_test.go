package assets

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

var script = bytes.Repeat([]byte("export const answer = 42;\n"), 100)

func sample(t *testing.T) *Set {
	t.Helper()
	s, err := Open(fstest.MapFS{
		"README":              {Data: []byte("not served")},
		"shell-ABCDEFG2.js":   {Data: script},
		"graph-ABCDEFG3.css":  {Data: []byte("a {}")},
		"notices-ABCDEFG.txt": {Data: []byte("its hash is too short")},
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func ask(t *testing.T, s *Set, url string, headers ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, url, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	return w.Result()
}

func TestFilesAreServedForEverUnderTheirHash(t *testing.T) {
	s := sample(t)
	for name, kind := range map[string]string{
		"shell.js": "text/javascript; charset=utf-8", "graph.css": "text/css; charset=utf-8",
	} {
		url, ok := s.URL(name)
		answer := ask(t, s, url)
		if !ok || answer.StatusCode != http.StatusOK || answer.Header.Get("Content-Type") != kind ||
			answer.Header.Get("Cache-Control") != "public, max-age=31536000, immutable" {
			t.Errorf("%s is at %q, %v: status %d, %v", name, url, ok, answer.StatusCode, answer.Header)
		}
	}
	for _, url := range []string{"/assets/README", "/assets/shell.js", "/assets/", "/assets/notices-ABCDEFG.txt"} {
		answer := ask(t, s, url)
		if answer.StatusCode != http.StatusNotFound || answer.Header.Get("Cache-Control") != "" {
			t.Errorf("%s: status %d, %v", url, answer.StatusCode, answer.Header)
		}
	}
}

func TestContentIsTheSameInEachEncoding(t *testing.T) {
	s := sample(t)
	url, _ := s.URL("shell.js")
	tags := make(map[string]string)
	for accept, want := range map[string]string{
		"": "", "br": "", "zstd;q=0": "", "gzip": "gzip", "gzip, deflate, br, zstd": "zstd",
		"GZIP;q=0.5, zstd; q=0": "gzip", "deflate;q=0,zstd;q=0.1": "zstd",
	} {
		answer := ask(t, s, url, "Accept-Encoding", accept)
		got := answer.Header.Get("Content-Encoding")
		if got != want {
			t.Errorf("%q is answered in %q, want %q", accept, got, want)
			continue
		}
		if !bytes.Equal(decode(t, got, answer.Body), script) {
			t.Errorf("%q is answered with another content", accept)
		}
		tag := answer.Header.Get("ETag")
		if other, ok := tags[tag]; ok && other != got {
			t.Errorf("%q and %q have one ETag, %s", got, other, tag)
		}
		tags[tag] = got
		if again := ask(t, s, url, "Accept-Encoding", accept, "If-None-Match", tag); again.StatusCode != 304 {
			t.Errorf("%q: the client has it, and gets status %d", accept, again.StatusCode)
		}
	}
}

func decode(t *testing.T, encoding string, from io.Reader) []byte {
	t.Helper()
	switch encoding {
	case "gzip":
		z, err := gzip.NewReader(from)
		if err != nil {
			t.Fatal(err)
		}
		from = z
	case "zstd":
		z, err := zstd.NewReader(from)
		if err != nil {
			t.Fatal(err)
		}
		defer z.Close()
		from = z
	}
	all, err := io.ReadAll(from)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestProgramBuiltWithoutScriptsSaysSo(t *testing.T) {
	empty, err := Open(fstest.MapFS{"README": {Data: []byte("x")}})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []*Set{nil, empty} {
		if url, ok := s.URL("shell.js"); ok {
			t.Errorf("shell.js is at %s", url)
		}
		if got := s.Missing(); !strings.Contains(got, "npm") {
			t.Errorf("missing is %q", got)
		}
		if got := ask(t, s, "/assets/shell-ABCDEFG2.js").StatusCode; got != http.StatusNotFound {
			t.Errorf("status %d", got)
		}
	}
	if got := sample(t).Missing(); got != "" {
		t.Error(got)
	}
}

// built are the scripts as they are served; the test is skipped without them, which CI never is.
func built(t *testing.T) *Set {
	t.Helper()
	s, err := Open(os.DirFS("../dist"))
	if err != nil {
		t.Fatal(err)
	}
	if missing := s.Missing(); missing != "" {
		if os.Getenv("CI") != "" {
			t.Fatal(missing)
		}
		t.Skip(missing)
	}
	return s
}

var imported = regexp.MustCompile(`(?:from|import)\s*\(?"\./([^"]+)"`)

// weight adds up what a browser loads, compressed, for the scripts with these names.
func weight(s *Set, names ...string) (kib float64) {
	loaded := make(map[string]bool)
	var load func(name string)
	load = func(name string) {
		f := s.files[name]
		if f == nil || loaded[name] {
			return
		}
		loaded[name] = true
		kib += float64(len(f.encoded()["gzip"])) / 1024
		for _, m := range imported.FindAllSubmatch(f.content, -1) {
			load(string(m[1]))
		}
	}
	for _, name := range names {
		load(s.names[name])
	}
	return kib
}

func TestScriptsOfAPageStaySmall(t *testing.T) {
	s := built(t)
	for _, page := range []struct {
		scripts []string
		limit   float64 // KiB, of all together
	}{
		{[]string{"shell.js"}, 60},
		{[]string{"shell.js", "chart.js"}, 60},
		{[]string{"shell.js", "graph.js"}, 60},
		{[]string{"shell.js", "map.js"}, 110},
	} {
		got := weight(s, page.scripts...)
		t.Logf("%v: %.1f KiB", page.scripts, got)
		if got < 5 || got > page.limit {
			t.Errorf("%v are %.1f KiB compressed, at most %.0f", page.scripts, got, page.limit)
		}
	}
}

func TestLicencesOfWhatIsBundledAreServed(t *testing.T) {
	s := built(t)
	text := string(s.files[s.names["notices.txt"]].content)
	bundled := []string{"htmx.org", "d3-force", "d3-zoom", "d3-geo", "d3-array", "topojson-client", "world-atlas", "uplot"}
	for _, want := range bundled {
		if !strings.Contains(text, "\n"+want+" ") {
			t.Errorf("the notices have nothing about %s", want)
		}
	}
}
