package complete

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"
	"unicode"

	"github.com/urfave/cli/v2"

	"hpfriends/internal/term"
)

// Run runs a command line of the program, name first, and gives what it prints to out.
type Run func(ctx context.Context, args []string, out io.Writer) error

// patience is how long a server has to say its names.
const patience = 2 * time.Second

// candidate is what could stand at the cursor.
type candidate struct{ value, about string }

// Print prints what could stand at the cursor, and reports whether the name of a file could.
func Print(ctx context.Context, app *cli.App, run Run, words []string, w io.Writer) (files bool) {
	ctx, stop := context.WithTimeout(ctx, patience)
	defer stop()
	l := parse(app, words)
	all, files := l.candidates(ctx, app, run)
	out := bufio.NewWriter(w)
	defer func() { _ = out.Flush() }()
	for _, c := range all {
		if strings.HasPrefix(c.value, l.cur) && strings.IndexFunc(c.value, unicode.IsControl) < 0 && c.value != "" {
			fmt.Fprintf(out, "%s%s\t%s\n", l.prefix, c.value, short(c.about))
		}
	}
	return files
}

// short is the beginning of what a candidate is, on one line.
func short(about string) string {
	const most = 70
	text := []rune(strings.ReplaceAll(about, "`", ""))
	if len(text) > most {
		text = append(text[:most-3], '.', '.', '.')
	}
	return term.Visible(string(text))
}

func (l *line) candidates(ctx context.Context, app *cli.App, run Run) (all []candidate, files bool) {
	if l.flag != nil {
		usage := l.flag.(cli.DocGenerationFlag).GetUsage()
		if words := enumerated(usage); words != nil {
			return words, false
		}
		return l.values(ctx, run, placeholder(usage), usage)
	}
	if strings.HasPrefix(l.cur, "-") && !l.bare {
		return l.flags(app), false
	}
	if l.args == 0 && !l.bare {
		for _, c := range l.level {
			for i, name := range c.Names() {
				if !c.Hidden && (i == 0 || l.cur != "") { // another name of it, for who begins to type that
					all = append(all, candidate{name, c.Usage})
				}
			}
		}
	}
	if l.command == nil || l.command.ArgsUsage == "" {
		return all, false
	}
	what := argument(l.command.ArgsUsage, l.args)
	if strings.Contains(what, "|") {
		for one := range strings.SplitSeq(what, "|") {
			all = append(all, candidate{one, ""})
		}
		return all, false
	}
	values, files := l.values(ctx, run, what, "")
	return append(all, values...), files
}

func (l *line) flags(app *cli.App) (all []candidate) {
	flags := app.Flags
	if l.command != nil {
		flags = l.command.Flags
	}
	for _, f := range flags {
		doc, ok := f.(cli.DocGenerationFlag)
		for _, name := range f.Names() {
			if ok && len(name) > 1 {
				all = append(all, candidate{"--" + name, doc.GetUsage()})
			}
		}
	}
	return append(all, candidate{"--help", "show help"})
}

// argument is what the argument with this number is called, the first being 0; empty: there is none.
func argument(usage string, n int) string {
	names := strings.Fields(strings.NewReplacer("[", "", "]", "").Replace(usage))
	if n < len(names) {
		return strings.TrimSuffix(names[n], "...")
	}
	if last := names[len(names)-1]; strings.HasSuffix(last, "...") {
		return strings.TrimSuffix(last, "...")
	}
	return ""
}

// placeholder is what the help calls the value of a flag.
func placeholder(usage string) string {
	_, rest, _ := strings.Cut(usage, "`")
	name, _, _ := strings.Cut(rest, "`")
	return name
}

var (
	listed = regexp.MustCompile("^[^`]*`[A-Z]+`[a-z ]*: ([^;]*)")
	remark = regexp.MustCompile(` ?\([^)]*\)`)
	oneOf  = regexp.MustCompile(`^[a-z][a-z-]*$`)
)

// enumerated are the words that a flag takes, if its help lists them: "`ROLE`: member, auditor or admin".
func enumerated(usage string) (all []candidate) {
	m := listed.FindStringSubmatch(usage)
	if m == nil {
		return nil
	}
	text := strings.NewReplacer(", or ", ", ", " or ", ", ").Replace(remark.ReplaceAllString(m[1], ""))
	for word := range strings.SplitSeq(text, ", ") {
		if !oneOf.MatchString(word) {
			return nil
		}
		all = append(all, candidate{word, ""})
	}
	if len(all) < 2 {
		return nil
	}
	return all
}
