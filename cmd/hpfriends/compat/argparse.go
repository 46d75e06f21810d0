package compat

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// hpfeeds-broker reads its arguments with Python's argparse, which differs from optparse: a value must not look like an
// option, "-e=VALUE" drops the equals sign, and abbreviations are looked at before anything is stored.

// negativeNumber is what argparse takes for a value although it begins with a dash.
var negativeNumber = regexp.MustCompile(`^-\d+$|^-\d*\.\d+$`)

// classified is one argument as argparse's first pass sees it.
type classified struct {
	text     string
	isOption bool
	option   option
	known    bool    // option is set
	glued    *string // the value in the same argument
}

// argparse reads args by argparse's rules; words are always refused, since the broker takes none.
func (g grammar) argparse(args []string) (arguments, error) {
	a := arguments{values: make(map[string][]string)}
	all := make([]classified, 0, len(args))
	for i, arg := range args {
		if arg == "--" {
			a.words = args[i:] // refused below, as is "--" alone
			break
		}
		c, err := g.classify(arg)
		if err != nil {
			return a, err
		}
		all = append(all, c)
	}
	var unknown []string
	for i := 0; i < len(all) && !a.help; i++ {
		c := all[i]
		if !c.isOption || !c.known {
			unknown = append(unknown, c.text)
			continue
		}
		used, err := g.store(&a, c, all[i+1:])
		if err != nil {
			return a, err
		}
		i += used
	}
	if a.help {
		return a, nil
	}
	if unknown = append(unknown, a.words...); len(unknown) > 0 {
		return a, fmt.Errorf("unrecognized arguments: %s", strings.Join(unknown, " "))
	}
	return a, nil
}

// classify decides whether arg is an option, and which.
func (g grammar) classify(arg string) (classified, error) {
	c := classified{text: arg}
	if len(arg) < 2 || arg[0] != '-' {
		return c, nil
	}
	c.isOption = true
	if c.option, c.known = g.exact(arg); c.known {
		return c, nil
	}
	name, value, glued := strings.Cut(arg, "=")
	if glued {
		if c.option, c.known = g.exact(name); c.known {
			c.glued = &value
			return c, nil
		}
	}
	if strings.HasPrefix(arg, "--") {
		o, names := g.beginning(name)
		if len(names) > 1 {
			return c, fmt.Errorf("ambiguous option: %s could match %s", arg, strings.Join(names, ", "))
		}
		if c.option, c.known = o, len(names) == 1; c.known && glued {
			c.glued = &value
		}
	} else if c.option, c.known = g.exact(arg[:2]); c.known {
		value = arg[2:]
		c.glued = &value
	}
	if !c.known && (negativeNumber.MatchString(arg) || strings.Contains(arg, " ")) {
		c.isOption = false
	}
	return c, nil
}

func (g grammar) exact(name string) (option, bool) {
	i := slices.IndexFunc(g.own, func(o option) bool { return o.long == name || o.short != "" && o.short == name })
	if i < 0 {
		return option{}, false
	}
	return g.own[i], true
}

// beginning returns the long options that name is the beginning of, and the first of them.
func (g grammar) beginning(name string) (first option, names []string) {
	for _, o := range g.own {
		if strings.HasPrefix(o.long, name) {
			if len(names) == 0 {
				first = o
			}
			names = append(names, o.long)
		}
	}
	return first, names
}

// store takes one option, and its value from rest if it is not glued; used is how much of rest that was.
func (g grammar) store(a *arguments, c classified, rest []classified) (used int, err error) {
	both := c.option.long
	if c.option.short != "" {
		both = c.option.short + "/" + both
	}
	value := ""
	switch {
	case c.option.takesValue() && c.glued != nil:
		value = *c.glued
	case c.option.takesValue():
		if len(rest) == 0 || rest[0].isOption {
			return 0, fmt.Errorf("argument %s: expected one argument", both)
		}
		value, used = rest[0].text, 1
	case c.glued != nil: // a cluster of flags, if anything
		next, known := classified{}, false
		if !strings.HasPrefix(c.text, "--") && *c.glued != "" {
			next, err = g.classify("-" + *c.glued)
			known = err == nil && next.known
		}
		if !known {
			return 0, fmt.Errorf("argument %s: ignored explicit argument '%s'", both, *c.glued)
		}
		if used, err = g.store(a, next, rest); err != nil {
			return 0, err
		}
	}
	a.help = a.help || c.option.kind == optHelp
	a.values[c.option.long] = append(a.values[c.option.long], value)
	return used, nil
}
