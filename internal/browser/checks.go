package browser

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Axe returns the violations that axe-core finds on the page as it is seen now.
func (p *Tab) Axe() []string {
	p.t.Helper()
	const file = "node_modules/axe-core/axe.min.js"
	library, err := os.ReadFile(file)
	if err != nil {
		lack(p.t, file, "make browser")
	}
	// The page's policy binds the page, not what is handed to the browser's debugger.
	p.must(evaluate[bool](p, string(library)+"; true"))
	found, err := evaluate[[]struct {
		ID, Help string
		Nodes    []struct{ HTML, FailureSummary string }
	}](p, "axe.run(document, {resultTypes: ['violations']}).then(r => JSON.parse(JSON.stringify(r.violations)))")
	p.must(found, err)
	var violations []string
	for _, v := range found {
		for _, n := range v.Nodes {
			violations = append(violations, fmt.Sprintf("%s (%s): %s: %s", v.ID, v.Help, n.HTML, n.FailureSummary))
		}
	}
	return violations
}

// Wider returns by how many pixels the page, or what drops down on it, is wider than what is seen of it: a person would
// have to scroll sideways, or could not reach it at all.
func (p *Tab) Wider() int {
	p.t.Helper()
	n, err := evaluate[int](p, wider)
	p.must(n, err)
	return n
}

const wider = `(() => {
	const {scrollWidth, clientWidth} = document.documentElement;
	let over = scrollWidth - clientWidth;
	for (const drop of document.querySelectorAll("details.drop")) {
		const was = drop.open;
		drop.open = true;
		const {left, right} = drop.querySelector(".pop").getBoundingClientRect();
		over = Math.max(over, -left, right - clientWidth);
		drop.open = was;
	}
	return Math.ceil(over);
})()`

// Broken returns what is hard to read in the width that the page has now: words that are broken or cut though they are
// short, long ones of which a line has a few letters only, and tables that are wider than the page.
func (p *Tab) Broken() []string {
	p.t.Helper()
	texts, err := evaluate[[]string](p, broken)
	p.must(texts, err)
	return texts
}

// A browser may break a line at blanks and behind - and /: the parts between them are words. Code in blocks, pictures
// and payloads are as they are, and so are names that only an attacker has.
const broken = `(() => {
	const short = 24, least = 4, found = new Set();
	const own = "pre, svg, .payload, .document, .operation, .visually-hidden, option";
	const walk = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT);
	for (let text; (text = walk.nextNode());) {
		const parent = text.parentElement;
		if (parent.closest(own) || !parent.checkVisibility({visibilityProperty: true})) continue;
		if (getComputedStyle(parent.closest("thead") ?? parent).position === "absolute") continue;
		const range = document.createRange();
		for (const word of text.data.matchAll(/[^\s\/-]+[\/-]?/gu)) {
			range.setStart(text, word.index);
			range.setEnd(text, word.index + word[0].length);
			const box = range.getBoundingClientRect();
			const lines = new Set([...range.getClientRects()].filter(r => r.width).map(r => Math.round(r.top)));
			const all = [...word[0]].length;
			if (/[<>{}"&]/.test(word[0])) continue;
			if (lines.size > 1 && (all <= short || all / lines.size < least)) {
				found.add("broken: " + word[0] + " of " + parent.innerText.slice(0, 60));
			}
			for (let e = parent; all <= short && e && e.tagName !== "MAIN"; e = e.parentElement) {
				const {overflowX} = getComputedStyle(e), edge = e.getBoundingClientRect();
				if (e.matches(".name, .group, .patterns") && e.textContent.length > short) break;
				if (overflowX !== "visible" && (box.right > edge.right + 1 || box.left < edge.left - 1)) {
					found.add("cut: " + word[0] + " of " + parent.innerText.slice(0, 60));
					break;
				}
			}
		}
	}
	const main = document.querySelector("main");
	const end = main.getBoundingClientRect().right - parseFloat(getComputedStyle(main).paddingRight);
	for (const table of main.querySelectorAll("table")) {
		const over = Math.floor(table.getBoundingClientRect().right - end);
		if (over > 0 && !table.closest(".scroll")) found.add("a table is " + over + " pixels wider than the page");
	}
	for (const link of document.querySelectorAll(".rail li a")) {
		if (link.scrollWidth > link.clientWidth) found.add("cut: " + link.innerText);
	}
	return [...found].slice(0, 12);
})()`

// HTML returns the page as the server sends it to this tab's user.
func (p *Tab) HTML(path string) []byte {
	p.t.Helper()
	r, err := http.NewRequest(http.MethodGet, p.origin+path, nil)
	p.must(r, err)
	r.Header.Set("Accept", "text/html")
	r.Header.Set("Cookie", p.cookies())
	answer, err := http.DefaultClient.Do(r)
	p.must(answer, err)
	defer answer.Body.Close()
	var b bytes.Buffer
	p.must(b.ReadFrom(answer.Body))
	return b.Bytes()
}

// invalid returns what the Nu HTML checker finds wrong, by page.
func invalid(t testing.TB, pages map[string][]byte) map[string][]string {
	t.Helper()
	const jar = "node_modules/vnu-jar/build/dist/vnu.jar"
	if _, err := os.Stat(jar); err != nil {
		lack(t, jar, "make browser")
	}
	java := program(t, "java", "apt-get install default-jre-headless")
	dir := t.TempDir()
	args := []string{"-jar", jar, "--format", "json", "--exit-zero-always", "--stdout"}
	named := make(map[string]string)
	for path, html := range pages {
		file := filepath.Join(dir, fmt.Sprintf("%d.html", len(named)))
		if err := os.WriteFile(file, html, 0o600); err != nil {
			t.Fatal(err)
		}
		named["file:"+file] = path
		args = append(args, file)
	}
	out, err := exec.Command(java, args...).Output()
	var report struct {
		Messages []struct {
			Type, URL, Message, Extract string
			LastLine                    int
		}
	}
	if err == nil {
		err = json.Unmarshal(out, &report)
	}
	if err != nil {
		t.Fatalf("the Nu HTML checker: %v", err)
	}
	found := make(map[string][]string)
	for _, m := range report.Messages {
		path, known := named[m.URL]
		if !known {
			t.Fatalf("the Nu HTML checker tells of %q: %s", m.URL, m.Message)
		}
		if strings.HasPrefix(m.Message, "Text run is not in Unicode Normalization Form C") {
			continue // what a payload says is not ours to change
		}
		found[path] = append(found[path], fmt.Sprintf("%s: line %d: %s: %s", m.Type, m.LastLine, m.Message, m.Extract))
	}
	return found
}
