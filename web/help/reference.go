package help

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Reference is the operations of the API, for people.
type Reference struct {
	Groups []Group
	Errors []Refusal
}

// Group is the operations about one thing.
type Group struct {
	ID, Name   string
	Operations []Operation
	Types      []Type // what the operations take and answer, by name
}

// Group finds a group by its ID; nil: there is none.
func (r *Reference) Group(id string) *Group {
	i := slices.IndexFunc(r.Groups, func(g Group) bool { return g.ID == id })
	if i < 0 {
		return nil
	}
	return &r.Groups[i]
}

// Operation is one operation.
type Operation struct {
	ID, Method, Path, Summary string
	Parameters                []Field
	Body, Answer              *Type  // nil: none
	Media                     string // of the answer
	Refusals                  []string
	curl                      string
}

// Field is a parameter, or a part of an object.
type Field struct {
	Name, Kind, About string
	Type              string // of the types; empty: it is a plain value
	In                string // of a parameter: path or query
	Values            []string
	Required          bool
}

// Type is an object.
type Type struct {
	Name   string
	Fields []Field
}

// Refusal is a status, and what it means.
type Refusal struct{ Status, About string }

// groups say under which heading the operations of a tag stand, where that is not the tag.
var groups = map[string]string{
	"channel": "channels", "explain": "shares", "check": "server", "backup": "server", "compact": "server",
	"entries": "server", "retention": "server",
	"stats": "server", "status": "server", "whoami": "server",
}

// ReadReference makes a reference of an OpenAPI document.
func ReadReference(document []byte) (*Reference, error) {
	var doc openAPI
	if err := json.Unmarshal(document, &doc); err != nil {
		return nil, fmt.Errorf("help: the OpenAPI document: %w", err)
	}
	byGroup, errors := make(map[string][]Operation), make(map[string]string)
	for _, path := range slices.Sorted(maps.Keys(doc.Paths)) {
		for _, method := range slices.Sorted(maps.Keys(doc.Paths[path])) {
			o := doc.Paths[path][method]
			group := cmp.Or(groups[o.Tags[0]], o.Tags[0])
			byGroup[group] = append(byGroup[group], doc.operation(strings.ToUpper(method), path, o))
			for status, r := range o.Responses {
				if status >= "400" {
					errors[status] = r.About
				}
			}
		}
	}
	var r Reference
	for _, name := range slices.Sorted(maps.Keys(byGroup)) {
		operations := byGroup[name]
		r.Groups = append(r.Groups, Group{name, strings.ToUpper(name[:1]) + name[1:], operations, doc.named(operations)})
	}
	for _, status := range slices.Sorted(maps.Keys(errors)) {
		r.Errors = append(r.Errors, Refusal{status, errors[status]})
	}
	return &r, nil
}

// named are the types that operations lead to by name.
func (d openAPI) named(operations []Operation) (types []Type) {
	found := make(map[string]bool)
	var follow func(name string)
	follow = func(name string) {
		s, known := d.Components.Schemas[name]
		if !known || found[name] {
			return
		}
		found[name] = true
		for _, f := range s.fields() {
			follow(f.Type)
		}
	}
	follow("Problem") // what a refusal is
	for _, o := range operations {
		for _, f := range o.Parameters {
			follow(f.Type)
		}
		for _, t := range []*Type{o.Body, o.Answer} {
			if t == nil {
				continue
			}
			follow(t.Element())
			for _, f := range t.Fields {
				follow(f.Type)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(found)) {
		types = append(types, Type{name, d.Components.Schemas[name].fields()})
	}
	return types
}

func (d openAPI) operation(method, path string, o operation) Operation {
	out := Operation{ID: o.ID, Method: method, Path: path, Summary: o.Summary}
	for _, p := range o.Parameters {
		f := p.Schema.field(p.Name, p.Required)
		f.About, f.In = cmp.Or(p.About, f.About), p.In
		out.Parameters = append(out.Parameters, f)
	}
	out.Body, _ = d.typeOf(o.Body)
	for _, status := range slices.Sorted(maps.Keys(o.Responses)) {
		if status >= "400" {
			out.Refusals = append(out.Refusals, status)
		} else if out.Answer == nil {
			out.Answer, out.Media = d.typeOf(o.Responses[status].content)
		}
	}
	out.curl = out.example()
	return out
}

// typeOf is the type of a body, and its media type. Of a list it is that of the elements.
func (d openAPI) typeOf(c content) (*Type, string) {
	for _, media := range slices.Sorted(maps.Keys(c.Content)) {
		s := c.Content[media].Schema
		word, name := s.kind()
		if name == "" {
			if word, name = c.Content[media].Item.kind(); name != "" {
				word = "lines of " + word
			}
		}
		if name != "" {
			return &Type{word, d.Components.Schemas[name].fields()}, media
		}
		if word != "" {
			return &Type{word, s.fields()}, media
		}
	}
	return nil, ""
}

// Element is the name of the type in a list, or of the type itself.
func (t *Type) Element() string { return t.Name[strings.LastIndexByte(t.Name, ' ')+1:] }
