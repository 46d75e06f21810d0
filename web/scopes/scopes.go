// Package scopes decides which requests an API token is good for: a table has the scope that each route needs, and the
// inputs of operations say by their tags what they are about.
//
// # Invariant
//
// What is neither in the table nor, for a token that is limited to a channel pattern or an authkey, tagged, is refused.
// A login session, a password and the local socket are good for all that their user may do.
//
// # Concurrency
//
// Everything here may be used by any number of goroutines.
package scopes

import (
	"fmt"
	"reflect"
	"slices"

	"hpfriends/graph"
	"hpfriends/graph/scope"
)

// Of returns the scope that a token needs for a route, as a ServeMux has it with its method; "" means that every token
// is good for it. ok is false if none is.
func Of(route string) (need scope.Scope, ok bool) {
	need, ok = needs[route]
	return need, ok
}

// Permit decides whether a may ask for a route, whatever it is about.
func Permit(g *graph.Graph, a graph.Actor, route string) error {
	if a.Token == 0 {
		return nil
	}
	t, ok := g.Token(a.Token)
	if !ok {
		return denied("the API token has been removed", "use another one")
	}
	need, ok := Of(route)
	switch {
	case !ok:
		return denied("no API token is good for this", "log in with your password")
	case need != anyScope && !t.Grant.Has(need):
		return denied(fmt.Sprintf("this API token is for: %s; this needs the scope %s", t.Grant, need),
			"add another one with `hpfriends token add --scope "+string(need)+"`")
	}
	return nil
}

// MayRemove decides whether a may remove a token. Every token may remove itself: whoever finds one that has leaked, and
// the program that has it and is done, can end it without more rights.
func MayRemove(g *graph.Graph, a graph.Actor, id graph.TokenID) error {
	t, ok := g.Token(a.Token)
	if !ok || a.Token == id || t.Grant.Has(scope.Manage) && !t.Grant.Limited() {
		return nil // without a token, the graph decides
	}
	return denied(fmt.Sprintf("this API token is for: %s; of tokens it removes itself only", t.Grant),
		"use one with the scope manage and without a limit")
}

// Within decides whether what a asks for is about the channels or the authkey that a limited token is for. in is a
// pointer to the input of the operation, whose tags say what it is about: limit:"channel" and limit:"authkey".
func Within(g *graph.Graph, a graph.Actor, route string, in any) error {
	t, ok := g.Token(a.Token)
	if need, _ := Of(route); !ok || !t.Grant.Limited() || need == anyScope {
		return nil
	}
	return within(t.Grant, in)
}

func within(g scope.Grant, in any) error {
	var about []string
	if v := reflect.ValueOf(in); v.Kind() == reflect.Pointer && v.Elem().Kind() == reflect.Struct {
		about = named(v.Elem(), limit(g))
	}
	inside := func(name string) bool { return name == g.Authkey }
	if g.Channel != "" {
		inside = func(name string) bool { return graph.Pattern(g.Channel).Covers(graph.Pattern(name)) }
	}
	if len(about) == 0 {
		return denied(fmt.Sprintf("this API token is for: %s; this is about more", g), "use a token without that limit")
	}
	for _, name := range about {
		if !inside(name) {
			return denied(fmt.Sprintf("this API token is for: %s; not for %q", g, graph.Clip(name)),
				"use a token without that limit")
		}
	}
	return nil
}

// limit is the tag of what a grant is limited to.
func limit(g scope.Grant) string {
	if g.Channel != "" {
		return "channel"
	}
	return "authkey"
}

// named returns the values of the fields with a tag.
func named(v reflect.Value, tag string) (all []string) {
	for i := range v.NumField() {
		f, field := v.Type().Field(i), v.Field(i)
		switch {
		case f.Tag.Get("limit") == tag && field.Kind() == reflect.Slice:
			for j := range field.Len() {
				all = append(all, field.Index(j).String())
			}
		case f.Tag.Get("limit") == tag:
			all = append(all, field.String())
		case f.Anonymous || f.Name == "Body":
			if field.Kind() == reflect.Struct {
				all = append(all, named(field, tag)...)
			}
		}
	}
	return slices.DeleteFunc(all, func(name string) bool { return name == "" })
}

func denied(what, hint string) error { return &graph.Error{Code: graph.Denied, Msg: what, Hint: hint} }
