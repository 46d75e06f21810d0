package browser

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/runtime"
)

// control is an element that a person can find.
type control struct {
	role, name string
	id         cdp.BackendNodeID
}

// find waits for the one control of that role with that name, inside the element with the id (0: on the page). Role
// "" is any that a person works with. A name that no control has in full may be a part of one's.
func (p *Tab) find(in cdp.BackendNodeID, role, name string) control {
	p.t.Helper()
	var found control
	err := p.until(func() (err error) {
		found, err = p.look(in, role, name)
		return err
	})
	if err != nil {
		p.fail(err)
	}
	return found
}

func (p *Tab) look(in cdp.BackendNodeID, role string, names ...string) (control, error) {
	all, err := p.controls(in, role)
	if err != nil {
		return control{}, err
	}
	var exact, part []control
	for _, c := range all {
		if len(names) == 1 && c.name == names[0] {
			exact = append(exact, c)
		}
		if !slices.ContainsFunc(names, func(n string) bool { return !strings.Contains(c.name, n) }) {
			part = append(part, c)
		}
	}
	if len(exact) > 0 {
		part = exact
	}
	if len(part) > 1 && p.alike(part) {
		part = part[:1]
	}
	switch len(part) {
	case 1:
		return part[0], nil
	case 0:
		var there []string
		for _, c := range all {
			there = append(there, c.role+" "+c.name)
		}
		return control{}, fmt.Errorf("there is no %s %q; there are %q", role, names, there)
	}
	return control{}, fmt.Errorf("%d of %s %q: %v", len(part), role, names, part)
}

// alike reports whether it does not matter which of several links is followed: they lead to one address.
func (p *Tab) alike(links []control) bool {
	var first string
	for i, c := range links {
		to, err := on[string](p, c.id, "function() { return this.href ?? ''; }")
		if err != nil || to == "" || i > 0 && to != first {
			return false
		}
		first = to
	}
	return true
}

// worked are the roles of what people press, choose and fill in.
var worked = []string{
	"link", "button", "textbox", "searchbox", "combobox", "checkbox", "radio", "spinbutton", "slider", "switch", "tab",
	"menuitem", "option", "DisclosureTriangle", "Date", "DateTime", "InputTime", "listbox",
}

// field is the role of whatever is filled in.
const field = "field"

var filled = []string{"textbox", "searchbox", "combobox", "spinbutton", "Date", "DateTime", "InputTime"}

// controls returns what of that role a person finds.
func (p *Tab) controls(in cdp.BackendNodeID, role string) ([]control, error) {
	these := []string{role}
	switch role {
	case "":
		these = worked
	case field:
		these = filled
	}
	q := accessibility.QueryAXTreeParams{BackendNodeID: in}
	if len(these) == 1 {
		q.Role = role
	}
	if in == 0 {
		document, err := call(p, runtime.Evaluate, runtime.EvaluateParams{Expression: "document"})
		if err != nil {
			return nil, err
		}
		q.ObjectID = document.Result.ObjectID
	}
	answer, err := call(p, accessibility.QueryAXTree, q)
	if err != nil {
		return nil, err
	}
	var all []control
	for _, n := range answer.Nodes {
		if n.Ignored || n.Role == nil {
			continue
		}
		c := control{role: text(n.Role.Value), id: n.BackendDOMNodeID}
		if n.Name != nil {
			c.name = strings.Join(strings.Fields(text(n.Name.Value)), " ")
		}
		if c.name == "" && len(these) == 1 { // a row, a form
			if all, err := on[string](p, c.id, "function() { return this.innerText; }"); err == nil {
				c.name = strings.Join(strings.Fields(all), " ")
			}
		}
		if slices.Contains(these, c.role) {
			all = append(all, c)
		}
	}
	return all, nil
}

// object returns the element of a control, for calls of its methods.
func (p *Tab) object(id cdp.BackendNodeID) (runtime.RemoteObjectID, error) {
	r, err := call(p, dom.ResolveNode, dom.ResolveNodeParams{BackendNodeID: id})
	if err != nil {
		return "", err
	}
	return r.Object.ObjectID, nil
}

// on calls a function with a control's element as this, and returns what it returns.
func on[T any](p *Tab, id cdp.BackendNodeID, function string, args ...cdp.BackendNodeID) (result T, err error) {
	o, err := p.object(id)
	if err != nil {
		return result, err
	}
	var others []*runtime.CallArgument
	for _, a := range args {
		other, err := p.object(a)
		if err != nil {
			return result, err
		}
		others = append(others, &runtime.CallArgument{ObjectID: other})
	}
	yes := true
	answer, err := call(p, runtime.CallFunctionOn, runtime.CallFunctionOnParams{
		FunctionDeclaration: function, ObjectID: o, Arguments: others, ReturnByValue: &yes,
	})
	if err != nil {
		return result, err
	}
	if answer.ExceptionDetails != nil {
		return result, errors.New(answer.ExceptionDetails.Text)
	}
	return result, unmarshal(answer.Result.Value, &result)
}

// focused returns the element that has the focus; 0 is none.
func (p *Tab) focused() (cdp.BackendNodeID, error) {
	return p.element("document.activeElement === document.body ? null : document.activeElement")
}

// named returns the field of a form by what it is called there.
func (p *Tab) named(name string) control {
	p.t.Helper()
	id, err := p.element(fmt.Sprintf("document.querySelector('[name=%s]:not([type=hidden])')", name))
	if err == nil && id == 0 {
		err = fmt.Errorf("there is no field %s", name)
	}
	if err != nil {
		p.fail(err)
	}
	return control{role: "textbox", name: name, id: id}
}

// element returns what an expression finds; 0 is nothing.
func (p *Tab) element(expression string) (cdp.BackendNodeID, error) {
	found, err := call(p, runtime.Evaluate, runtime.EvaluateParams{Expression: expression})
	if err != nil || found.Result.ObjectID == "" {
		return 0, err
	}
	node, err := call(p, dom.DescribeNode, dom.DescribeNodeParams{ObjectID: found.Result.ObjectID})
	if err != nil {
		return 0, err
	}
	return node.Node.BackendNodeID, nil
}

func unmarshal(value []byte, into any) error {
	if len(value) == 0 {
		return errors.New("the function has returned nothing")
	}
	return json.Unmarshal(value, into)
}
