package browser

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

const formHead = `<!DOCTYPE html>
<html lang="en"><head><title>Form</title><link rel="icon" href="data:,"><link rel="stylesheet" href="/style.css"></head>
<body><h1>Form</h1>
`

const form = formHead + `
<details><summary>More</summary><p>Here is more.</p></details>
<form action="/done">
<label>Channel <input name="channel" value="old"></label>
<label>User <input name="user"></label>
<label>Password <input name="password" type="password"></label>
<label>State <select name="state"><option>all</option><option>waiting</option><option>flowing</option></select></label>
<label>Note <textarea name="note"></textarea></label>
<label><input type="checkbox" name="key" value="k1"> also add to key</label>
<fieldset><legend>Type</legend>
<label><input type="radio" name="type" value="own" checked> Only my own</label>
<label><input type="radio" name="type" value="all"> All events</label></fieldset>
<table><tr><th>Channel</th><th>Act</th></tr>
<tr><td>cowrie</td><td><button name="row" value="1">Remove</button></td></tr>
<tr><td>dionaea</td><td><button name="row" value="2">Remove</button></td></tr></table>
<button type="button" tabindex="-1">Skipped</button>
</form><p id="far"><a href="/done?far=yes">Far below</a></p></body></html>`

const loginForm = `<!DOCTYPE html><html lang="en"><head><title>Log in</title><link rel="icon" href="data:,">
<link rel="stylesheet" href="/style.css"></head>
<body><form action="/done"><label>Handle <input name="user"></label>
<label>Word <input name="password" type="password"></label>
<button>Log in</button></form></body></html>`

// awkward are pages on which a person at the keyboard loses their way, and what is said of them.
var awkward = map[string][2]string{
	"unseen":  {`<a href="/done" class="plain">Near</a> <a href="/done">Last</a>`, "nothing shows the focus"},
	"covered": {`<p id="under"><button>Near</button><span id="over"></span></p><a href="/done">Last</a>`, "cannot be seen"},
	"back":    {`<a href="/" tabindex="2">Near</a><a href="/" tabindex="1">First</a><a href="/">Last</a>`, "goes back"},
	"up":      {`<p class="swapped"><span><a href="/">Near</a></span><span><a href="/">Last</a></span></p>`, "jumps up"},
}

const awkwardStyle = `.plain:focus { outline: none; } .swapped { display: flex; flex-direction: column-reverse; }`

func TestKeyboardNoticesWhereTheFocusIsLost(t *testing.T) {
	b, site := Start(t), formSite(t)
	for name, want := range awkward {
		p := b.Tab(t, site)
		p.Open("/" + name)
		if err := p.reach(p.find(0, "link", "Last")); err == nil || !strings.Contains(err.Error(), want[1]) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

const formStyle = awkwardStyle + `:focus-visible { outline: 2px solid; }
#far { margin-top: 3000px; } #under { position: relative; } #over { position: absolute; inset: 0; }`

func formSite(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'")
		switch r.URL.Path {
		case "/style.css":
			w.Header().Set("Content-Type", "text/css")
			fmt.Fprint(w, formStyle)
		case "/login":
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			fmt.Fprint(w, loginForm)
		case "/done":
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			q := strings.NewReplacer("&", " ", "<", "").Replace(r.URL.Query().Encode())
			fmt.Fprintf(w, `<!DOCTYPE html><html lang="en"><title>Done</title><link rel="icon" href="data:,"><p>got: %s.`, q)
		default:
			page := form
			if parts, ok := awkward[strings.TrimPrefix(r.URL.Path, "/")]; ok {
				page = formHead + parts[0] + "</body></html>"
			}
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			fmt.Fprint(w, page)
		}
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// The same story with the mouse, by keys alone, and without script.
func TestPageIsWorkedByMouseAndByKeys(t *testing.T) {
	b, site := Start(t), formSite(t)
	for name, hand := range map[string]Hand{"mouse": Mouse, "keys": Keys, "mouse without script": Mouse} {
		t.Run(name, func(t *testing.T) {
			p := b.Tab(t, site)
			if strings.Contains(name, "script") {
				p.NoScript()
			}
			p.Hand = hand
			p.Open("/")
			p.SeeNo("Here is more")
			p.Click("DisclosureTriangle", "More")
			p.See("Here is more")
			p.Fill("Channel", "cowrie.*")
			p.Fill("User", "")
			p.Fill("Password", "pass word")
			p.Choose("State", "flowing")
			p.Fill("Note", "so")
			p.Click("checkbox", "also add")
			p.Click("radio", "All events")
			p.In("row", "dionaea").Click("button", "Remove")
			p.See("got: channel=cowrie.%2A key=k1 note=so password=pass+word row=2 state=flowing type=all user=.")
			p.Open("/")
			p.Click("link", "Far below")
			p.See("got: far=yes.")
			p.Login("ada", "open sesame")
			p.See("got: password=open+sesame user=ada.")
		})
	}
}

// What a person could not click, or not reach, cannot be clicked or reached here.
func TestControlsOutOfReachAreNotWorked(t *testing.T) {
	p := Start(t).Tab(t, formSite(t))
	p.Open("/covered")
	if err := p.hit(p.find(0, "button", "Near")); err == nil || !strings.Contains(err.Error(), "under something") {
		t.Errorf("a covered button: %v", err)
	}
	p.Open("/")
	if err := p.reach(p.find(0, "button", "Skipped")); err == nil || !strings.Contains(err.Error(), "keyboard") {
		t.Errorf("a button that Tab skips: %v", err)
	}
	if _, err := p.look(0, "button", "Remove"); err == nil || !strings.Contains(err.Error(), "2 of button") {
		t.Errorf("two buttons of one name: %v", err)
	}
}
