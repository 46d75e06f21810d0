package browser

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"

	"hpfriends/web/assets"
)

// drawing is what a page does with the scripts that draw.
const drawing = `
import { draw } from %q;
import { countries, outline } from %q;
import { chart } from %q;
const [ada, bob, cleo] = [{ id: "ada", x: 50, y: 100 }, { id: "bob", x: 250, y: 100 }, { id: "cleo", x: 50, y: 180 }];
for (const node of [ada, bob, cleo]) node.label = node.id;
const edges = [
  { source: ada, target: bob, label: "c", kinds: ["all", "lit"] },
  { source: bob, target: ada, label: "d", kinds: ["own"] },
  { source: ada, target: cleo, label: "e", kinds: ["own"] },
];
draw(document.getElementById("graph"), { nodes: [ada, bob, cleo], edges }, { width: 300, height: 220 });
const svg = document.querySelector("#atlas");
const { path } = outline(400, 200);
for (const country of await countries()) {
  const shape = document.createElementNS("http://www.w3.org/2000/svg", "path");
  shape.setAttribute("d", path(country));
  svg.append(shape);
}
chart(document.getElementById("chart"), [{}, { stroke: "black" }], [[1, 2, 3], [1, 4, 2]]);
document.querySelector("h1").textContent = "Drawn";
`

const canvas = `<!DOCTYPE html><html lang="en"><head><title>Drawing</title><link rel="icon" href="data:,">
<link rel="stylesheet" href="/page.css">%s<script type="module" src="/page.js"></script></head>
<body><h1>Drawing</h1><div id="graph"></div><svg id="atlas"></svg><div id="chart"></div></body></html>`

// The scripts that draw do so under the policy of our pages, which takes neither inline style nor evaluated text.
func TestScriptsDrawUnderThePolicy(t *testing.T) {
	scripts, err := assets.Open(os.DirFS("../../web/dist"))
	if err != nil {
		t.Fatal(err)
	}
	if missing := scripts.Missing(); missing != "" {
		lack(t, "web/dist", missing)
	}
	url := func(name string) string {
		u, ok := scripts.URL(name)
		if !ok {
			t.Errorf("%s was not built", name)
		}
		return u
	}
	mux := http.NewServeMux()
	mux.Handle("GET "+assets.Base, scripts.Handler())
	mux.HandleFunc("GET /page.css", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/css")
		fmt.Fprint(w, "#graph, svg, #chart { width: 400px; height: 200px; }")
	})
	mux.HandleFunc("GET /page.js", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/javascript")
		fmt.Fprintf(w, drawing, url("graph.js"), url("map.js"), url("chart.js"))
	})
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Security-Policy",
			"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'")
		var styles strings.Builder
		fmt.Fprintf(&styles, `<link rel="stylesheet" href=%q>`, url("chart.css"))
		fmt.Fprintf(w, canvas, styles.String())
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	p := Start(t).Tab(t, s.URL) // fails the test if the browser complains
	p.Open("/")
	p.See("Drawn")
	for what, least := range map[string]int{"#graph .edge": 2, "#graph .node": 2, "#atlas path": 150, "#chart canvas": 1} {
		n, err := evaluate[int](p, fmt.Sprintf("document.querySelectorAll(%q).length", what))
		if err != nil || n < least {
			t.Errorf("there are %d %s, want %d: %v", n, what, least, err)
		}
	}
	// The arrow from ada to cleo goes down: the name of ada is not in its way.
	y, err := evaluate[float64](p, "+document.querySelector('#graph .node text').getAttribute('y')")
	if err != nil || y >= 15 {
		t.Errorf("the name of a node is %v px below it, where its arrow is: %v", y, err)
	}
	p.Shot("scripts")
}

// What shell.js adds to each page: the theme stays chosen, and "/" goes to the search field.
func TestShellSwitchesThemeAndJumps(t *testing.T) {
	w := Demo(t)
	p := w.Tab(t, Start(t), "ada")
	theme := func() string {
		chosen, err := evaluate[string](p, "document.documentElement.dataset.theme ?? ''")
		p.must(chosen, err)
		return chosen
	}
	p.Open("/shares")
	for _, want := range []string{"dark", "light", "dark"} {
		p.Click("button", "Switch theme")
		if got := theme(); got != want {
			t.Errorf("the theme is %q, want %q", got, want)
		}
	}
	p.Open("/")
	if !strings.Contains(string(p.HTML("/")), `data-theme="dark"`) {
		t.Error("the server does not know of the theme: the next page flashes in another")
	}
	p.Press("/")
	if at := p.find(0, "combobox", "Search"); at.id != active(p) {
		t.Error("/ does not go to the search field")
	}
	p.Press("/")
	if got, err := evaluate[string](p, "document.activeElement.value"); got != "/" {
		t.Errorf("the search field holds %q after a / was typed: %v", got, err)
	}
}

func active(p *Tab) cdp.BackendNodeID {
	id, err := p.focused()
	p.must(id, err)
	return id
}
