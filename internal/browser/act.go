package browser

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// Part is a part of the page in which controls are looked for: a row, a form, a dialog.
type Part struct {
	tab *Tab
	id  cdp.BackendNodeID // 0: the page
}

// Login goes through /login as a user with a password, and waits for the page behind it.
func (p *Tab) Login(user, password string) {
	p.t.Helper()
	p.Open("/login")
	p.write(p.named("user"), user)
	p.write(p.named("password"), password)
	p.Press(kb.Enter)
	err := p.until(func() error {
		if at := p.Path(); strings.HasPrefix(at, "/login") {
			return fmt.Errorf("%s has not come in: still at %s", user, at)
		}
		return nil
	})
	if err != nil {
		p.fail(err)
	}
}

// In returns the one part of that role whose name has all these words: In("row", "dionaea.*", "bob").
func (p *Tab) In(role string, names ...string) Part {
	p.t.Helper()
	var found control
	err := p.until(func() (err error) {
		found, err = p.look(0, role, names...)
		return err
	})
	if err != nil {
		p.fail(err)
	}
	return Part{p, found.id}
}

// Main is the page without what surrounds all pages.
func (p *Tab) Main() Part { p.t.Helper(); return p.In("main", "") }

// Text returns what a person reads there, with single spaces.
func (in Part) Text() string {
	in.tab.t.Helper()
	said, err := on[string](in.tab, in.id, "function() { return this.innerText; }")
	in.tab.must(said, err)
	return strings.Join(strings.Fields(said), " ")
}

// Click, Fill and Choose work the controls of the whole page.

func (p *Tab) Click(role, name string)    { p.t.Helper(); Part{p, 0}.Click(role, name) }
func (p *Tab) Fill(label, value string)   { p.t.Helper(); Part{p, 0}.Fill(label, value) }
func (p *Tab) Choose(label, value string) { p.t.Helper(); Part{p, 0}.Choose(label, value) }

// Press presses keys on whatever has the focus, and waits for what comes of it: "/", kb.Escape, kb.ArrowDown.
func (p *Tab) Press(keys string, modifiers ...chromedp.Modifier) {
	p.t.Helper()
	p.must(nil, p.strike(keys, modifiers...))
	p.settle()
}

// strike sends each key as a keyboard does: what it types comes of its going down, unless the page prevents that.
func (p *Tab) strike(keys string, modifiers ...chromedp.Modifier) error {
	for _, r := range keys {
		events := kb.Encode(r)
		down, up := *events[0], *events[len(events)-1]
		if len(events) == 3 && !slices.ContainsFunc(modifiers, shortcut) {
			down.Text, down.UnmodifiedText = events[1].Text, events[1].UnmodifiedText
		}
		for _, m := range modifiers {
			down.Modifiers |= int64(m)
			up.Modifiers |= int64(m)
		}
		for _, e := range []input.DispatchKeyEventParams{down, up} {
			if _, err := call(p, input.DispatchKeyEvent, e); err != nil {
				return err
			}
		}
	}
	return nil
}

// shortcut reports whether a modifier makes a key type nothing.
func shortcut(m chromedp.Modifier) bool { return m != chromedp.ModifierShift }

// Click presses a link, a button, a checkbox, the summary of details (role "DisclosureTriangle"), and waits for what
// comes of it.
func (in Part) Click(role, name string) {
	p := in.tab
	p.t.Helper()
	if p.Hand == Mouse {
		err := p.until(func() error {
			c, err := p.look(in.id, role, name)
			if err != nil {
				return err
			}
			return p.hit(c)
		})
		if err != nil {
			p.fail(err)
		}
		p.settle()
		return
	}
	c := p.find(in.id, role, name)
	if err := p.reach(c); err != nil {
		p.fail(err)
	}
	switch c.role {
	case "checkbox", "radio", "switch":
		p.Press(" ")
	default:
		p.Press(kb.Enter)
	}
}

// Fill writes into the field with that label, instead of what it holds.
func (in Part) Fill(label, value string) {
	in.tab.t.Helper()
	in.tab.write(in.tab.find(in.id, field, label), value)
}

func (p *Tab) write(c control, value string) {
	p.t.Helper()
	p.enter(c)
	p.must(on[bool](p, c.id, "function() { this.select?.(); return true; }"))
	if value == "" {
		p.Press(kb.Delete)
		return
	}
	p.must(call(p, input.InsertText, input.InsertTextParams{Text: value}))
	p.settle()
	got, err := on[string](p, c.id, "function() { return this.value; }")
	if err != nil || got != value {
		p.fail(fmt.Errorf("the field %q holds %q after %q was written: %v", c.name, got, value, err))
	}
}

// Choose picks an option of a <select> as by typing it: its text, or how its text begins if that is its value.
func (in Part) Choose(label, option string) {
	p := in.tab
	p.t.Helper()
	c := p.find(in.id, "combobox", label)
	if p.Hand == Keys {
		p.enter(c)
	} else { // a click would open the list, which is no part of the page
		p.must(call(p, dom.Focus, dom.FocusParams{BackendNodeID: c.id}))
	}
	p.Press(option)
	got, err := on[[]string](p, c.id, "function() { return [this.selectedOptions[0].label, this.value]; }")
	if err != nil || !slices.Contains(got, option) {
		p.fail(fmt.Errorf("%q is %q after %q was chosen: %v", label, got, option, err))
	}
}

// enter puts the focus on a control.
func (p *Tab) enter(c control) {
	p.t.Helper()
	var err error
	if p.Hand == Keys {
		err = p.reach(c)
	} else {
		err = p.until(func() error { return p.hit(c) })
	}
	if err != nil {
		p.fail(err)
	}
}

// hit clicks on the middle of a control, if that is what is there.
func (p *Tab) hit(c control) error {
	if _, err := call(p, dom.ScrollIntoViewIfNeeded, dom.ScrollIntoViewIfNeededParams{BackendNodeID: c.id}); err != nil {
		return err
	}
	quads, err := call(p, dom.GetContentQuads, dom.GetContentQuadsParams{BackendNodeID: c.id})
	if err != nil {
		return err
	}
	if len(quads.Quads) == 0 || len(quads.Quads[0]) < 8 {
		return fmt.Errorf("%s %q cannot be seen", c.role, c.name)
	}
	q := quads.Quads[0]
	x, y := (q[0]+q[4])/2, (q[1]+q[5])/2
	same, err := on[bool](p, c.id, fmt.Sprintf(
		"function() { return this.contains(document.elementFromPoint(%f, %f)); }", x, y))
	if err != nil {
		return err
	}
	if !same {
		return fmt.Errorf("%s %q is under something else at %.0f,%.0f", c.role, c.name, x, y)
	}
	return chromedp.Do(p.ctx, chromedp.MouseClickXY(x, y))
}

// maxTabs is how often a person presses Tab before giving up.
const maxTabs = 300

// reach presses Tab until a control has the focus; in a group of radio buttons, then the arrows.
func (p *Tab) reach(c control) error {
	starts := 0
	for range maxTabs {
		at, err := p.focused()
		if err != nil || at == c.id {
			return err
		}
		if at == 0 {
			starts++
		}
		if starts > 2 {
			break
		}
		key := kb.Tab
		if at != 0 && c.role == "radio" && p.sameGroup(c.id, at) {
			key = kb.ArrowDown
		}
		if err := p.strike(key); err != nil {
			return err
		}
		if wrong, err := evaluate[string](p, stop); err != nil || wrong != "" {
			return errors.Join(err, errors.New(wrong))
		}
	}
	return fmt.Errorf("the keyboard does not reach %s %q", c.role, c.name)
}

// stop says what is wrong with where the focus has come to, if anything: that it cannot be seen, or that it has jumped
// there, against the order of the document or back up on the page.
const stop = `(() => {
	const e = document.activeElement, last = window.lastStop;
	window.lastStop = e === document.body ? null : e;
	if (e === document.body) return "";
	const name = (x) => x.outerHTML.slice(0, 120);
	const s = getComputedStyle(e), r = e.getBoundingClientRect();
	if (s.outlineStyle === "none" || parseFloat(s.outlineWidth) < 2) return "nothing shows the focus of " + name(e);
	const seen = ([x, y]) => e.contains(document.elementFromPoint(r.left + x * r.width, r.top + y * r.height));
	const points = [[.5, .5], [.1, .1], [.9, .1], [.1, .9], [.9, .9]];
	if (!points.some(seen)) return "what has the focus cannot be seen: " + name(e);
	if (!last?.isConnected) return "";
	if (!(last.compareDocumentPosition(e) & Node.DOCUMENT_POSITION_FOLLOWING)) return "the focus goes back to " + name(e);
	const was = last.getBoundingClientRect();
	const up = r.bottom <= was.top && r.left < was.right && !last.closest(".pop, .skip");
	return up ? "the focus jumps up from " + name(last) + " to " + name(e) : "";
})()`

func (p *Tab) sameGroup(a, b cdp.BackendNodeID) bool {
	same, err := on[bool](p, a, "function(other) { return other.type === 'radio' && other.name === this.name; }", b)
	return err == nil && same
}
