package help

import (
	"cmp"
	"encoding/json"
	"strings"
)

// samples are values for parameters and fields by name, and by kind where the name has none. Those in capitals are
// places.
var (
	samples = map[string]any{
		"channel": "cowrie.*", "to": "bob", "from": "ada", "ident": "IDENT", "handle": "HANDLE", "user": "HANDLE",
		"group": "honeynet", "name": "honeynet", "id": 15, "index": 812, "q": "cowrie",
		"pub": []string{"cowrie.*"}, "sub": []string{"cowrie.*"}, "note": "TLP:AMBER", "comment": "cowrie on pot3",
		"admin": true, "node": "n2", "secret": "SECRET", "position": "first", "role": "member",
	}
	byKind = map[string]any{"integer": 1, "number": 1, "boolean": true}
)

// Curl is a command that calls the operation, for a server and a user.
func (o Operation) Curl(v Values) string {
	var all []string
	for _, place := range []string{"SITE", "IDENT", "HANDLE"} {
		if v[place] != "" {
			all = append(all, place, v[place])
		}
	}
	return strings.NewReplacer(all...).Replace(o.curl)
}

// example is the command with places in it.
func (o Operation) example() string {
	path, query := o.Path, []string{}
	for _, p := range o.Parameters {
		switch value := p.sample(); {
		case p.In == "path":
			path = strings.ReplaceAll(path, "{"+p.Name+"}", value)
		case p.Required:
			query = append(query, p.Name+"="+value)
		}
	}
	if len(query) > 0 {
		path += "?" + strings.Join(query, "&")
	}
	login := "-H 'Authorization: Bearer TOKEN' "
	if o.ID == "post-tokens" {
		login = "-u HANDLE " // asks for the password
	}
	command := "curl "
	if o.Method != "GET" {
		command += "-X " + o.Method + " "
	}
	command += login + "'SITE" + path + "'"
	if o.Body != nil {
		command += " \\\n  -H 'Content-Type: application/json' -d '" + o.Body.example() + "'"
	}
	return command
}

func (f Field) value() any {
	if len(f.Values) > 0 {
		return f.Values[0]
	}
	v, ok := samples[f.Name]
	switch {
	case strings.HasPrefix(f.About, "a time"):
		return "2h"
	case ok:
		return v
	}
	return byKind[f.Kind]
}

func (f Field) sample() string {
	data, err := json.Marshal(f.value())
	if err != nil || string(data) == "null" {
		return strings.ToUpper(f.Name)
	}
	return strings.Trim(string(data), `"`)
}

// example is JSON with the fields that must be there, or, where none must, with one.
func (t *Type) example() string {
	fields := make(map[string]any)
	for _, f := range t.Fields {
		if f.Required {
			fields[f.Name] = cmp.Or[any](f.value(), strings.ToUpper(f.Name))
		}
	}
	for _, f := range t.Fields {
		if _, known := samples[f.Name]; known && len(fields) == 0 {
			fields[f.Name] = f.value()
		}
	}
	data, err := json.Marshal(fields)
	if err != nil {
		return "{}"
	}
	return string(data)
}
