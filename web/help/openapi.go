package help

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// openAPI is as much of an OpenAPI document as a Reference shows.
type openAPI struct {
	Paths      map[string]map[string]operation `json:"paths"`
	Components struct {
		Schemas map[string]schema `json:"schemas"`
	} `json:"components"`
}

type operation struct {
	ID         string              `json:"operationId"`
	Summary    string              `json:"summary"`
	Tags       []string            `json:"tags"`
	Parameters []parameter         `json:"parameters"`
	Body       content             `json:"requestBody"`
	Responses  map[string]response `json:"responses"`
}

type parameter struct {
	Name     string `json:"name"`
	In       string `json:"in"`
	About    string `json:"description"`
	Required bool   `json:"required"`
	Schema   schema `json:"schema"`
}

type response struct {
	About string `json:"description"`
	content
}

// content is a body, by its media type.
type content struct {
	Content map[string]struct {
		Schema schema `json:"schema"`
		Item   schema `json:"itemSchema"`
	} `json:"content"`
}

type schema struct {
	Ref        string            `json:"$ref"`
	Type       json.RawMessage   `json:"type"` // a name, or a list of names
	Format     string            `json:"format"`
	About      string            `json:"description"`
	Enum       []any             `json:"enum"`
	Items      *schema           `json:"items"`
	Default    any               `json:"default"`
	Properties map[string]schema `json:"properties"`
	Required   []string          `json:"required"`
}

// kind is what a value is, in a word, and the name of the type in it that has fields of its own.
func (s schema) kind() (word, typ string) {
	if s.Ref != "" {
		typ = s.Ref[strings.LastIndexByte(s.Ref, '/')+1:]
		return typ, typ
	}
	var names []string
	if json.Unmarshal(s.Type, &names) != nil {
		var one string
		_ = json.Unmarshal(s.Type, &one)
		names = []string{one}
	}
	names = slices.DeleteFunc(names, func(n string) bool { return n == "null" })
	word = strings.Join(names, " or ")
	switch {
	case s.Items != nil:
		of, typ := s.Items.kind()
		return "list of " + of, typ
	case s.Format == "date-time":
		return "time", ""
	}
	return word, ""
}

// fields are the properties of an object, those that must be there first.
func (s schema) fields() (all []Field) {
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		p := s.Properties[name]
		all = append(all, p.field(name, slices.Contains(s.Required, name)))
	}
	slices.SortStableFunc(all, func(a, b Field) int {
		switch {
		case a.Required == b.Required:
			return 0
		case a.Required:
			return -1
		}
		return 1
	})
	return all
}

func (s schema) field(name string, required bool) Field {
	f := Field{Name: name, About: s.About, Required: required}
	f.Kind, f.Type = s.kind()
	for _, v := range s.Enum {
		if text, ok := v.(string); ok {
			f.Values = append(f.Values, text)
		}
	}
	return f
}
