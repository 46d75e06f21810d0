package api

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"unicode/utf8"
)

// Base is the path of the API on every server.
const Base = "/api/v1"

// request is what is sent.
type request struct {
	method  string
	address string // path and query
	body    any    // nil: none
}

// newRequest makes a request of an input, by its tags: the same by which the server reads it.
func newRequest(route string, in any) (*request, error) {
	method, path, _ := strings.Cut(route, " ")
	r := &request{method: method, address: Base + path}
	query := url.Values{}
	if err := r.add(reflect.ValueOf(in), query); err != nil {
		return nil, err
	}
	if len(query) > 0 {
		r.address += "?" + query.Encode()
	}
	return r, nil
}

func (r *request) add(in reflect.Value, query url.Values) error {
	for i := range in.NumField() {
		f, v := in.Type().Field(i), in.Field(i)
		name := f.Tag.Get("path")
		switch {
		case f.Anonymous:
			if err := r.add(v, query); err != nil {
				return err
			}
		case f.Name == "Body":
			if err := exact("body", v); err != nil {
				return err
			}
			r.body = v.Interface()
		case name != "":
			text := fmt.Sprint(v.Interface())
			if text == "" { // would be the address of something else
				return NewProblem(http.StatusUnprocessableEntity, Invalid, "the "+name+" is empty", "")
			}
			r.address = strings.Replace(r.address, "{"+name+"}", url.PathEscape(text), 1)
		case !v.IsZero():
			name, options, _ := strings.Cut(f.Tag.Get("query"), ",")
			query[name] = parameter(v, options == "explode")
		}
	}
	return nil
}

// exact refuses text that JSON cannot carry: what arrived would be something else.
func exact(name string, v reflect.Value) error {
	switch v.Kind() {
	case reflect.String:
		if !utf8.ValidString(v.String()) {
			return NewProblem(http.StatusUnprocessableEntity, Invalid, "the "+name+" is not UTF-8 text", "")
		}
	case reflect.Pointer:
		if !v.IsNil() {
			return exact(name, v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			if err := exact(name, v.Index(i)); err != nil {
				return err
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			f := v.Type().Field(i)
			field, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if !f.IsExported() {
				continue
			}
			if err := exact(cmp.Or(field, name), v.Field(i)); err != nil {
				return err
			}
		}
	default: // no text
	}
	return nil
}

// parameter is the text of a value: of a list once for each element, or with commas between them.
func parameter(v reflect.Value, explode bool) []string {
	if v.Kind() != reflect.Slice {
		return []string{fmt.Sprint(v.Interface())}
	}
	var all []string
	for i := range v.Len() {
		all = append(all, fmt.Sprint(v.Index(i).Interface()))
	}
	if !explode {
		return []string{strings.Join(all, ",")}
	}
	return all
}
