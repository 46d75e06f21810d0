package browser

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

// A page without fault, and what is done to it.
const sound = `<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>Probe</title><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="description" content="A page of the tests"><link rel="icon" href="/icon.svg"></head>
<body><main><h1>Probe</h1><p>Nothing is wrong here.</p>%s</main></body>
</html>
`

// probe serves the page with that in it.
func probe(t *testing.T, more string) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy",
			"default-src 'none'; script-src 'self'; img-src 'self' http://192.0.2.1; form-action 'self'")
		switch r.URL.Path {
		case "/":
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			fmt.Fprintf(w, sound, more)
		case "/icon.svg":
			w.Header().Set("Content-Type", "image/svg+xml")
			fmt.Fprint(w, `<svg xmlns="http://www.w3.org/2000/svg"/>`)
		case "/error.js":
			w.Header().Set("Content-Type", "text/javascript")
			fmt.Fprint(w, `console.error("told on purpose")`)
		case "/throw.js":
			w.Header().Set("Content-Type", "text/javascript")
			fmt.Fprint(w, `throw new Error("thrown on purpose")`)
		case "/eval.js":
			w.Header().Set("Content-Type", "text/javascript")
			fmt.Fprint(w, `try { new Function("return 1")() } catch {}`)
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

// Each check finds the fault that it is there for, and none on a sound page.
func TestChecksFindFaults(t *testing.T) {
	b := Start(t)
	for name, c := range map[string]struct{ more, complaint, axe string }{
		"sound":               {},
		"console error":       {more: `<script src="/error.js"></script>`, complaint: "told on purpose"},
		"exception":           {more: `<script src="/throw.js"></script>`, complaint: "thrown on purpose"},
		"evaluated text":      {more: `<script src="/eval.js"></script>`, complaint: "script-src"},
		"script in the page":  {more: `<script>1</script>`, complaint: "script-src"},
		"style in the page":   {more: `<p style="color: red">x</p>`, complaint: "style-src"},
		"a missing file":      {more: `<img src="/missing.png" alt="x">`, complaint: "404"},
		"another host":        {more: `<img src="http://192.0.2.1/x.png" alt="x">`, complaint: "another host: http://192.0.2.1"},
		"an image, unlabeled": {more: `<img src="/icon.svg">`, axe: "image-alt"},
		"a field, unlabeled":  {more: `<input name="x">`, axe: "label"},
	} {
		t.Run(name, func(t *testing.T) {
			p := b.Tab(t, probe(t, c.more).URL)
			p.Open("/")
			expect(t, "complaint", p.Complaints(), c.complaint)
			expect(t, "violation", p.Axe(), c.axe)
		})
	}
}

// What is hard to read in a narrow column is found, and what is not is not.
func TestBrokenTextIsFound(t *testing.T) {
	p := Start(t).Tab(t, probe(t, `<table><tr><td>dionaea.capture</td></tr></table>`).URL)
	p.Open("/")
	for style, want := range map[string]string{
		"":                                     "",
		"width: 40px; overflow-wrap: anywhere": "broken: dionaea.capture",
		"max-width: 40px; overflow: hidden":    "cut: dionaea.capture",
		"min-width: 3000px":                    "a table is",
	} {
		p.must(evaluate[string](p, fmt.Sprintf("document.querySelector('td').style.cssText = %q", style)))
		expect(t, "text", p.Broken(), want)
	}
}

// expect wants one of the findings to have the text, or no finding at all.
func expect(t *testing.T, what string, found []string, text string) {
	t.Helper()
	has := slices.ContainsFunc(found, func(f string) bool { return strings.Contains(f, text) })
	if text == "" && len(found) > 0 || text != "" && !has {
		t.Errorf("%s %q is expected: %q", what, text, found)
	}
}

func TestCheckerOfHTMLFindsFaults(t *testing.T) {
	found := invalid(t, map[string][]byte{
		"/sound":  fmt.Appendf(nil, sound, ""),
		"/faulty": fmt.Appendf(nil, sound, "<p><div>x</div></p>"),
	})
	expect(t, "fault", found["/sound"], "")
	expect(t, "fault", found["/faulty"], "element")
}

func TestLighthouseFindsFaults(t *testing.T) {
	l := startLighthouse(t)
	expect(t, "loss", l.Short(probe(t, "").URL, ""), "")
	expect(t, "loss", l.Short(probe(t, `<img src="/icon.svg" width="8" height="8">`).URL, ""), "[alt]")
}
