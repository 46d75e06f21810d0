// Package yamlfault says in words of people what package yaml found wrong with a text. That one names types of Go, and
// puts all into one string.
//
// Every function may be called from any goroutine.
package yamlfault

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// Fault is one thing that is wrong. Line is 0 where it is not known.
type Fault struct {
	Line int
	What string
}

func (f Fault) Error() string {
	if f.Line == 0 {
		return f.What
	}
	return fmt.Sprintf("line %d: %s", f.Line, f.What)
}

var (
	lined   = regexp.MustCompile(`^(?:yaml: )?line (\d+): (.*)$`)
	field   = regexp.MustCompile(`^field (.*) not found in type \S+$`)
	key     = regexp.MustCompile(`^mapping key (".*") already defined at line (\d+)$`)
	badTime = regexp.MustCompile(`^parsing time ("(?:[^"\\]|\\.)*") as `)
	badNet  = regexp.MustCompile(`^netip\.ParsePrefix\((".*")\): `)
	mistype = regexp.MustCompile("^cannot unmarshal !!(\\w+)(?: `((?s:.*))`)? into (\\S+)$")
)

// Of returns all that an error of package yaml tells, in its order.
func Of(err error) (all []Fault) {
	var several *yaml.TypeError
	if !errors.As(err, &several) {
		return []Fault{plain(err.Error())}
	}
	for _, text := range several.Errors {
		all = append(all, plain(text))
	}
	return all
}

// Join is Of as one error, a fault a line.
func Join(err error) error {
	var all []error
	for _, f := range Of(err) {
		all = append(all, f)
	}
	return errors.Join(all...)
}

func plain(text string) (f Fault) {
	f.What = strings.TrimPrefix(text, "yaml: ")
	if m := lined.FindStringSubmatch(text); m != nil {
		f.Line, _ = strconv.Atoi(m[1])
		f.What = m[2]
	}
	if m := field.FindStringSubmatch(f.What); m != nil {
		f.What = fmt.Sprintf("nothing is called %q there", m[1])
	}
	if m := key.FindStringSubmatch(f.What); m != nil {
		f.What = fmt.Sprintf("%s is on line %s already", m[1], m[2])
	}
	if m := badTime.FindStringSubmatch(f.What); m != nil {
		f.What = "want a time like 2026-11-20T10:00:00Z, got " + m[1]
	}
	if m := badNet.FindStringSubmatch(f.What); m != nil {
		f.What = "want a network like 10.0.0.0/8, got " + m[1]
	}
	if m := mistype.FindStringSubmatch(f.What); m != nil {
		f.What = fmt.Sprintf("want %s, got %s", wanted(m[3]), got(m[1], m[2]))
	}
	return f
}

// wanted is what a type of Go is as YAML.
func wanted(goType string) string {
	switch {
	case strings.HasPrefix(goType, "[]"):
		return "a list"
	case goType == "bool":
		return "true or false"
	case goType == "string":
		return "text"
	case goType == "time.Time":
		return "a time like 2026-11-20T10:00:00Z"
	case strings.HasPrefix(goType, "int"), strings.HasPrefix(goType, "uint"):
		return "a whole number"
	}
	return "names with their values"
}

func got(tag, value string) string {
	switch tag {
	case "seq":
		return "a list"
	case "map":
		return "names with their values"
	}
	return fmt.Sprintf("%q", value)
}
