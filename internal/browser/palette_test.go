package browser

import (
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// The palette and the keys: everything is reached without a mouse.
func TestPaletteAndKeys(t *testing.T) {
	b, w := Start(t), Demo(t)
	p := w.Tab(t, b, "cleo")
	at := func(path string) {
		t.Helper()
		p.settle()
		if p.Path() != path {
			t.Errorf("at %s, want %s", p.Path(), path)
		}
	}
	p.Open("/")
	p.Press("gs")
	at("/shares")
	p.Press("n")
	at("/shares?add")
	p.Press("cowrie.*") // into the first field
	p.Press(kb.Escape)
	if value, err := evaluate[string](p, `document.querySelector("[name=channel]").value`); value != "cowrie.*" {
		t.Errorf("n has not gone to the first field: %q, %v", value, err)
	}
	p.Open("/")
	p.Press("?")
	p.See("Next, previous row")
	p.Press(kb.Escape)
	p.SeeNo("Next, previous row")
	p.Press("k", chromedp.ModifierCtrl)
	p.Press("why does cleo not get dionaea.capture")
	p.See("Why does cleo not get dionaea.capture from ada?")
	seen(t, p, "palette")
	p.Press(kb.Enter)
	at("/why?channel=dionaea.capture&from=ada&to=cleo")
	p.Press("/accept dion")
	p.See("Enable dionaea.* of ada")
	chosen, err := evaluate[bool](p, "document.activeElement.hasAttribute('aria-activedescendant')")
	if p.must(chosen, err); chosen {
		t.Error("what changes something is chosen before anybody chooses it")
	}
	p.Press(kb.ArrowDown)
	p.Press(kb.Enter)
	p.See("You have enabled 1 share.")
	at("/incoming")
	p.Press("j")
	row, err := evaluate[string](p, "document.activeElement.localName")
	if p.must(row, err); row != "tr" {
		t.Errorf("j goes to <%s>", row)
	}
	p.Press("/a time like 2h")
	p.Press(kb.Escape)
	p.SeeNo("Shares as of")
	p.Open("/")
	p.Press("/log out")
	p.See("do Log out")
	p.Press(kb.ArrowDown)
	p.Press(kb.Enter)
	p.See("You are logged out.")
}

// A session that ends under an open page: the page goes to log in, and comes back with what was typed.
func TestEndedSessionComesBack(t *testing.T) {
	b, w := Start(t), Demo(t)
	p, other := w.Tab(t, b, "ada"), w.Tab(t, b, "ada")
	p.Open("/shares?add")
	other.Open("/account")
	other.In("row", "this one").Click("button", "End")
	p.Fill("Channel", "cowrie.*")
	p.Fill("User or group", "bob")
	p.See("Your session has ended.")
	p.watch.forgive("401") // by which the page knows
	p.Fill("User", "ada")
	p.Fill("Password", Password)
	p.Click("button", "Log in")
	p.settle()
	if value, err := evaluate[string](p, `document.querySelector("#add input[name=channel]").value`); value != "cowrie.*" {
		t.Errorf("the channel is %q: %v", value, err)
	}
}
