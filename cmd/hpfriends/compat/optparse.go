package compat

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The original command line clients read their arguments with Python's optparse: options anywhere between the words,
// values glued to short options, clusters of short ones, long ones cut to any unambiguous beginning. Scripts rely on
// all of it, so it is read the same way here; a test compares with optparse itself.

// optKind is what an option does with its value.
type optKind int

const (
	optString optKind = iota
	optInt
	optFlag // takes no value
	optHelp // ends the parsing
)

// option is one option of such a program. Its values are kept under its long name.
type option struct {
	short, long string // "-c", "--chan"; short may be empty
	kind        optKind
}

// grammar is all options of a program. What own does not know may still be in extra: the flags of the sister program.
// They never make an abbreviation ambiguous that the original took.
type grammar struct {
	own, extra []option
}

// arguments is what was parsed: values by long name in the order given, and the words between the options.
type arguments struct {
	values map[string][]string
	words  []string
	help   bool
}

// last is the value that counts for an option that was given more than once.
func (a arguments) last(long string) string {
	v := a.values[long]
	if len(v) == 0 {
		return ""
	}
	return v[len(v)-1]
}

func (a arguments) has(long string) bool { return len(a.values[long]) > 0 }

// parse reads args. The errors are optparse's, in its words.
func (g grammar) parse(args []string) (arguments, error) {
	a := arguments{values: make(map[string][]string)}
	for len(args) > 0 && !a.help {
		arg := args[0]
		args = args[1:]
		var err error
		switch {
		case arg == "--":
			a.words = append(a.words, args...)
			args = nil
		case strings.HasPrefix(arg, "--"):
			args, err = g.long(&a, arg, args)
		case len(arg) > 1 && arg[0] == '-':
			args, err = g.cluster(&a, arg, args)
		default:
			a.words = append(a.words, arg)
		}
		if err != nil {
			return a, err
		}
	}
	return a, nil
}

// long takes "--name" or "--name=value"; rest is what follows it.
func (g grammar) long(a *arguments, arg string, rest []string) ([]string, error) {
	name, value, glued := strings.Cut(arg, "=")
	o, err := g.match(name)
	if err != nil {
		return nil, err
	}
	if glued {
		if !o.takesValue() {
			return nil, fmt.Errorf("%s option does not take a value", o.long)
		}
		rest = append([]string{value}, rest...)
	}
	return a.take(o, o.long, rest)
}

// cluster takes "-abc": flags, the last of which may have its value glued on.
func (g grammar) cluster(a *arguments, arg string, rest []string) ([]string, error) {
	for i, end := 1, 0; i < len(arg) && !a.help; i = end {
		_, size := utf8.DecodeRuneInString(arg[i:])
		end = i + size
		name := "-" + arg[i:end]
		n := slices.IndexFunc(g.own, func(o option) bool { return o.short == name })
		if n < 0 {
			return nil, fmt.Errorf("no such option: %s", name)
		}
		o := g.own[n]
		if o.takesValue() && end < len(arg) {
			return a.take(o, name, append([]string{arg[end:]}, rest...))
		}
		var err error
		if rest, err = a.take(o, name, rest); err != nil {
			return nil, err
		}
	}
	return rest, nil
}

// match finds the long option that name is, or is the beginning of.
func (g grammar) match(name string) (option, error) {
	tiers := [][]option{g.own, g.extra}
	for _, tier := range append(tiers, ours) {
		for _, o := range tier {
			if o.long == name {
				return o, nil
			}
		}
	}
	for _, tier := range tiers {
		var found []option
		var names []string
		for _, o := range tier {
			if strings.HasPrefix(o.long, name) {
				found = append(found, o)
				names = append(names, o.long)
			}
		}
		if len(found) == 1 {
			return found[0], nil
		}
		if len(found) > 1 {
			slices.Sort(names)
			return option{}, fmt.Errorf("ambiguous option: %s (%s?)", name, strings.Join(names, ", "))
		}
	}
	return option{}, fmt.Errorf("no such option: %s", name)
}

func (o option) takesValue() bool { return o.kind == optString || o.kind == optInt }

// take stores one occurrence of o, spelled name, with its value from rest, and returns what is left of rest.
func (a *arguments) take(o option, name string, rest []string) ([]string, error) {
	value := ""
	if o.takesValue() {
		if len(rest) == 0 {
			return nil, fmt.Errorf("%s option requires 1 argument", name)
		}
		value, rest = rest[0], rest[1:]
	}
	switch o.kind {
	case optHelp:
		a.help = true
	case optInt:
		n, err := pythonInt(value)
		if err != nil {
			return nil, fmt.Errorf("option %s: invalid integer value: '%s'", name, value)
		}
		value = strconv.FormatInt(n, 10)
	case optString, optFlag:
	}
	a.values[o.long] = append(a.values[o.long], value)
	return rest, nil
}

var errNotInt = errors.New("not an integer")

// pythonInt reads an integer as optparse does: 0x hexadecimal, 0b binary, a leading zero octal. What does not fit is
// the nearest that does.
func pythonInt(s string) (int64, error) {
	base, prefix := 10, ""
	switch lower := strings.ToLower(s); {
	case strings.HasPrefix(lower, "0x"):
		base, prefix = 16, "0x"
	case strings.HasPrefix(lower, "0b"):
		if base, prefix, s = 2, "0b", s[2:]; s == "" {
			s = "0"
		}
	case strings.HasPrefix(lower, "0"):
		base, prefix = 8, "0o"
	}
	s = strings.TrimFunc(s, func(r rune) bool { return unicode.IsSpace(r) || r >= 0x1c && r <= 0x1f })
	sign := ""
	if s != "" && (s[0] == '-' || s[0] == '+') {
		sign, s = s[:1], s[1:]
	}
	if prefix != "" && len(s) > 2 && strings.EqualFold(s[:2], prefix) {
		s = strings.TrimPrefix(s[2:], "_")
	}
	if strings.HasPrefix(s, "_") || strings.HasSuffix(s, "_") || strings.Contains(s, "__") ||
		strings.ContainsAny(s, "+-") {
		return 0, errNotInt
	}
	n, err := strconv.ParseInt(sign+strings.ReplaceAll(s, "_", ""), base, 64)
	if errors.Is(err, strconv.ErrRange) {
		if sign == "-" {
			return math.MinInt64, nil
		}
		return math.MaxInt64, nil
	}
	if err != nil {
		return 0, errNotInt
	}
	return n, nil
}
