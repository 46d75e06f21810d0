package browser

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// patience is how long a person would wait for a page, on a busy machine.
const patience = 15 * time.Second

// Hand is what a Tab works a page with.
type Hand int

const (
	Mouse Hand = iota
	Keys       // Tab, Enter, Space and the arrows
)

// Tab is one page of a browser, with cookies of its own. Its methods end the test when the page is not as they want
// it. It is of one goroutine.
type Tab struct {
	Hand Hand

	t      testing.TB
	ctx    context.Context
	origin string
	watch  *watch
}

// Tab opens an empty page for a server: http://127.0.0.1:8080. The test fails if it leaves complaints behind.
func (b *Browser) Tab(t testing.TB, origin string) *Tab {
	t.Helper()
	at, err := url.Parse(origin)
	if err != nil {
		t.Fatal(err)
	}
	w := &watch{host: at.Host, waiting: make(map[network.RequestID]cdp.LoaderID)}
	ctx, cancel := chromedp.NewContext(b.ctx, chromedp.WithNewBrowserContext(), chromedp.WithListener(w.event))
	tab := &Tab{t: t, ctx: ctx, origin: origin, watch: w}
	t.Cleanup(func() {
		cancel()
		for _, c := range tab.Complaints() {
			t.Errorf("the browser complains: %s", c)
		}
	})
	tab.must(call(tab, network.Enable, network.EnableParams{}))
	tab.must(call(tab, log.Enable, cdp.Empty{}))
	tab.must(call(tab, audits.Enable, cdp.Empty{}))
	tab.Look(1440, "light")
	return tab
}

// call runs a command of the protocol.
func call[P, R any](p *Tab, command cdp.Command[P, R], params P) (R, error) {
	return chromedp.Call(p.ctx, command, params)
}

// must ends the test on an error; the result before it does not matter.
func (p *Tab) must(_ any, err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

// NoScript switches the scripts of pages off.
func (p *Tab) NoScript() {
	p.t.Helper()
	p.must(call(p, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}))
}

// Look sets the width of the page in pixels, and the theme that its user prefers: light or dark.
func (p *Tab) Look(width int64, theme string) {
	p.t.Helper()
	p.must(call(p, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
		Width: width, Height: 900, DeviceScaleFactor: 1, Mobile: width < 720,
	}))
	p.must(call(p, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: theme}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}}))
}

// Open goes to a path of the server, and expects a page there.
func (p *Tab) Open(path string) {
	p.t.Helper()
	p.Expect(path, http.StatusOK)
}

// Expect goes to a path of the server, and expects an answer with that status. That it is a refusal is no complaint.
func (p *Tab) Expect(path string, status int) {
	p.t.Helper()
	if got := p.Visit(path); got != status {
		p.t.Fatalf("%s: status %d, want %d: %s", path, got, status, p.Text())
	}
	if status >= 400 {
		p.watch.forgive(fmt.Sprintf("status of %d", status), p.origin+path)
	}
}

// Visit goes to a path of the server, and returns the status of the answer.
func (p *Tab) Visit(path string) int {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	answer, err := chromedp.Run(ctx, chromedp.NavigateResponse(p.origin+path))
	if err != nil {
		p.t.Fatalf("%s: %v", path, err)
	}
	p.settle()
	return int(answer.Status)
}

// Path returns where the tab is: path and query.
func (p *Tab) Path() string {
	p.t.Helper()
	at, err := evaluate[string](p, "location.pathname + location.search")
	p.must(at, err)
	return at
}

// Text returns what a person reads on the page, with single spaces.
func (p *Tab) Text() string {
	text, _ := evaluate[string](p, "document.body.innerText")
	return strings.Join(strings.Fields(text), " ")
}

// See waits until the page says the text.
func (p *Tab) See(text string) {
	p.t.Helper()
	if err := p.until(func() error { return says(p.Text(), text) }); err != nil {
		p.fail(err)
	}
}

// SeeNo waits until the page no longer says the text.
func (p *Tab) SeeNo(text string) {
	p.t.Helper()
	err := p.until(func() error {
		if says(p.Text(), text) == nil {
			return fmt.Errorf("the page still says %q", text)
		}
		return nil
	})
	if err != nil {
		p.fail(err)
	}
}

// Read waits for the element that a selector finds, and returns what a person reads there.
func (p *Tab) Read(selector string) string {
	p.t.Helper()
	var said string
	err := p.until(func() (err error) {
		said, err = evaluate[string](p, fmt.Sprintf("document.querySelector(%q).innerText", selector))
		return err
	})
	if err != nil {
		p.fail(fmt.Errorf("%s: %w", selector, err))
	}
	return said
}

// Coloured returns how many lines are drawn in the colour that the stylesheet calls so.
func (p *Tab) Coloured(lines, colour string) int {
	p.t.Helper()
	n, err := evaluate[int](p, fmt.Sprintf(coloured, lines, colour))
	p.must(n, err)
	return n
}

const coloured = `(() => {
	const probe = document.body.appendChild(document.createElement("span"));
	probe.style.color = "var(%[2]s)";
	const colour = getComputedStyle(probe).color;
	probe.remove();
	return [...document.querySelectorAll(%[1]q)].filter((e) => getComputedStyle(e).stroke === colour).length;
})()`

func says(page, text string) error {
	if !strings.Contains(page, text) {
		return fmt.Errorf("the page does not say %q", text)
	}
	return nil
}

// until asks again and again, at most as long as a person would.
func (p *Tab) until(ask func() error) error { return p.waits(patience, ask) }

func (p *Tab) waits(long time.Duration, ask func() error) error {
	for end := time.Now().Add(long); ; time.Sleep(20 * time.Millisecond) {
		if err := ask(); err == nil || time.Now().After(end) {
			return err
		}
	}
}

// settle waits until the page has heard of the server what it has asked it for. What was just done to it may have it
// ask a little later.
func (p *Tab) settle() {
	p.watch.begin()
	err := p.until(func() error {
		if !p.watch.quiet(50 * time.Millisecond) {
			return errors.New("busy")
		}
		_, err := evaluate[bool](p, "document.readyState === 'complete' || undefined")
		return err
	})
	if err != nil {
		p.t.Logf("the page has not come to rest: %v", err)
	}
}

// fail ends the test, and shows what a person would have seen.
func (p *Tab) fail(err error) {
	p.t.Helper()
	p.Shot(p.t.Name() + "-failed")
	p.t.Fatalf("%s: %v\nthe page says: %.2000s", p.Path(), err, p.Text())
}

// Complaints returns what the page has done wrong since the last call.
func (p *Tab) Complaints() []string { return p.watch.take() }

// Unfold has the browser lay out what it leaves for when it comes into sight.
func (p *Tab) Unfold() {
	p.t.Helper()
	p.must(evaluate[bool](p, `document.querySelectorAll("main *").forEach((e) => {
		if (getComputedStyle(e).contentVisibility === "auto") e.style.contentVisibility = "visible";
	}), true`))
}

// Shot photographs the whole page into shots/NAME.png.
func (p *Tab) Shot(name string) {
	p.t.Helper()
	awaitDrawn(p)
	picture, err := chromedp.Run(p.ctx, chromedp.FullScreenshot(100))
	p.must(picture, err)
	file := filepath.Join("shots", strings.ReplaceAll(name, "/", "-")+".png")
	p.must(nil, os.MkdirAll("shots", 0o755))
	p.must(nil, os.WriteFile(file, picture, 0o644))
}

// awaitDrawn waits until nothing is empty that a script draws in.
func awaitDrawn(p *Tab) {
	p.t.Helper()
	p.must(nil, p.until(func() error {
		drawn, err := evaluate[bool](p, isDrawn)
		if err == nil && !drawn {
			err = errors.New("the page draws nothing")
		}
		return err
	}))
}

// isDrawn reports whether nothing is empty that a script draws in.
const isDrawn = `[...document.querySelectorAll("#graph:empty, #map:empty")].every(
	(e) => getComputedStyle(e).display === "none")`

// evaluate runs JavaScript in the page, also where the page's own is off.
func evaluate[T any](p *Tab, expression string) (T, error) {
	return chromedp.Run(p.ctx, chromedp.Evaluate[T](expression, func(e *runtime.EvaluateParams) {
		wait := true
		e.AwaitPromise = &wait
	}))
}

// cookies returns those that the tab sends to its server, as a header.
func (p *Tab) cookies() string {
	p.t.Helper()
	all, err := call(p, network.GetCookies, network.GetCookiesParams{URLs: []string{p.origin}})
	p.must(all, err)
	var pairs []string
	for _, c := range all.Cookies {
		pairs = append(pairs, c.Name+"="+c.Value)
	}
	return strings.Join(pairs, "; ")
}

func cut(flag string) (name string, value any) {
	name, text, found := strings.Cut(flag, "=")
	if !found {
		return name, true
	}
	return name, text
}

// text is a value of the accessibility tree.
func text(value []byte) (s string) {
	_ = json.Unmarshal(value, &s)
	return s
}
