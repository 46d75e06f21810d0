// Package reference writes docs/cli.md: all commands with their flags, as the tree of commands has them, and examples.
//
// What is said of a flag stands where it is first met. A flag that most commands have is said once for all. Those that
// a command shares with one before it, as pub and sub share how they log in, are named there, with where to look.
package reference

import (
	_ "embed"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

//go:embed examples.sh
var examples string

const (
	common = 40 // commands that have a flag before it is one of many
	alike  = 6  // flags that a command shares with one before it, before they are named only
)

// command is a command with its words, without the program.
type command struct {
	*cli.Command
	name  string
	flags []flag
	own   []flag // which are told of there, once it is written
}

// flag is a flag, and what is said of it.
type flag struct{ name, text string }

// Write writes the reference of a program. Its commands have been prepared.
func Write(w io.Writer, app *cli.App) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# Command line\n\n%s\n\n", paragraphs(app.Description))
	fmt.Fprintf(&b, "`%s gen cli` prints this, `%[1]s COMMAND --help` what belongs to one command. %s %s Words in "+
		"capitals in them, like ID, stand for what is yours.\n\n", app.Name, environment, tested)
	writeCommands(&b, app)
	_, err := io.WriteString(w, b.String())
	return err
}

// writeCommands writes the flags of many commands, and all commands.
func writeCommands(b *strings.Builder, app *cli.App) {
	var all []command
	count := make(map[flag]int)
	var walk func(path string, commands []*cli.Command)
	walk = func(path string, commands []*cli.Command) {
		for _, c := range commands {
			if c.Hidden {
				continue
			}
			one := command{Command: c, name: path + c.Name, flags: flags(c)}
			for _, f := range one.flags {
				count[f]++
			}
			all = append(all, one)
			walk(one.name+" ", c.Subcommands)
		}
	}
	walk("", app.Commands)
	fmt.Fprintf(b, "%s\n\n", manyHave)
	told := make(map[flag]bool)
	for _, c := range all {
		for _, f := range c.flags {
			if count[f] >= common && !told[f] {
				told[f] = true
				fmt.Fprintf(b, "- %s\n", f.text)
			}
		}
	}
	for i := range all {
		all[i].write(b, app.Name, all[:i], func(f flag) bool { return count[f] >= common })
	}
	fmt.Fprintf(b, "\n%s\n", otherNames)
}

const environment = "Settings and flags may stand in the environment, by the names given here."

const tested = "The examples are run by a test, in an order in which they go well; but not `audit tail`, `cluster leave`, " +
	"`cluster recover`, `cluster remove`, `demo` and `log tail`, which other tests run, and `bench`, which takes minutes."

const manyHave = "## Flags of many commands\n\nWhat asks a server has these:"

const otherNames = "## hpfeeds, hpfeeds-client, hpfeeds-broker\n\nCalled by one of these names, through a link to " +
	"it, the program takes the command line of the Python program of that name: [moving here](migrate.md)."

// write writes a command, after those before it.
func (c *command) write(b *strings.Builder, program string, before []command, common func(flag) bool) {
	level := "###"
	if !strings.Contains(c.name, " ") {
		level = "##"
	}
	fmt.Fprintf(b, "\n%s %s\n\n%s.\n", level, c.name, prose(strings.ToUpper(c.Usage[:1])+c.Usage[1:]))
	if c.UsageText != "" { // a group of commands, and nothing by itself
		return
	}
	fmt.Fprintf(b, "\n**`%s`**", strings.TrimSpace(program+" "+c.name+" [options] "+c.ArgsUsage))
	for _, alias := range c.Aliases {
		fmt.Fprintf(b, ", also `%s`", alias)
	}
	fmt.Fprintln(b)
	if c.Description != "" {
		fmt.Fprintf(b, "\n%s\n", paragraphs(c.Description))
	}
	c.writeFlags(b, before, common)
	if lines := c.examples(program); len(lines) > 0 {
		fmt.Fprintf(b, "\n```sh\n%s\n```\n", strings.Join(lines, "\n"))
	}
}

func (c *command) writeFlags(b *strings.Builder, before []command, common func(flag) bool) {
	var shared, many []flag
	like, most := "", 0
	for _, o := range before {
		n := 0
		for _, f := range c.flags {
			if !common(f) && slices.Contains(o.own, f) {
				n++
			}
		}
		if n >= alike && n > most {
			like, most = o.name, n
			shared = o.own
		}
	}
	var also []flag
	for _, f := range c.flags {
		switch {
		case common(f):
			many = append(many, f)
		case slices.Contains(shared, f):
			also = append(also, f)
		default:
			c.own = append(c.own, f)
		}
	}
	if len(c.flags) > 0 {
		fmt.Fprintln(b)
	}
	for _, f := range c.own {
		fmt.Fprintf(b, "- %s\n", f.text)
	}
	if len(also) > 0 {
		fmt.Fprintf(b, "- %s: as with [%s](#%s)\n", names(also), like, strings.ReplaceAll(like, " ", "-"))
	}
	if len(many) > 0 {
		fmt.Fprintf(b, "- %s: as with [many](#flags-of-many-commands)\n", names(many))
	}
}

func names(flags []flag) string {
	var all []string
	for _, f := range flags {
		all = append(all, "`--"+f.name+"`")
	}
	return strings.Join(all, ", ")
}

// examples are those of a command, not of one below it.
func (c *command) examples(program string) (lines []string) {
	for line := range strings.Lines(examples) {
		_, words, found := strings.Cut(" "+strings.TrimSpace(strings.ReplaceAll(line, "$(", " ")), " "+program+" ")
		if !found || !strings.HasPrefix(words+" ", c.name+" ") || strings.HasPrefix(line, "#") {
			continue
		}
		next, _, _ := strings.Cut(strings.TrimPrefix(words+" ", c.name+" "), " ")
		if !slices.ContainsFunc(c.Subcommands, func(sub *cli.Command) bool { return sub.Name == next }) {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return lines
}

// flags are what a command takes, but --help.
func flags(c *cli.Command) (all []flag) {
	for _, f := range c.Flags {
		d, ok := f.(cli.DocGenerationFlag)
		if v, is := f.(cli.VisibleFlag); !ok || is && !v.IsVisible() || f.Names()[0] == "help" {
			continue
		}
		place := placeholder(d.GetUsage())
		var forms []string
		for _, name := range f.Names() {
			form := "--" + name
			if len(name) == 1 {
				form = "-" + name
			}
			if d.TakesValue() {
				form += " " + place
			}
			forms = append(forms, "`"+form+"`")
		}
		text := strings.Join(forms, ", ") + ": " + prose(d.GetUsage())
		if value := strings.ReplaceAll(d.GetDefaultText(), `"`, ""); value != "" && d.TakesValue() {
			text += ". Default: `" + value + "`"
		}
		if env := d.GetEnvVars(); len(env) > 0 {
			text += ". Environment: `" + strings.Join(env, "`, `") + "`"
		}
		all = append(all, flag{f.Names()[0], text})
	}
	return all
}

// placeholder is the word in a usage that stands for a value.
func placeholder(usage string) string {
	parts := strings.SplitN(usage, "`", 3)
	if len(parts) < 3 {
		return "VALUE"
	}
	return parts[1]
}

// mentioned finds flags in prose.
var mentioned = regexp.MustCompile(`--[a-z][a-z-]*`)

var marks = strings.NewReplacer(`\`, `\\`, `*`, `\*`, `_`, `\_`, `<`, `\<`, `[`, `\[`, `|`, `\|`)

// prose is text that is no Markdown but for its `words`, as Markdown.
func prose(text string) string {
	parts := strings.Split(text, "`")
	for i, part := range parts {
		if i%2 == 0 {
			parts[i] = mentioned.ReplaceAllString(marks.Replace(part), "`$0`")
		} else {
			parts[i] = "`" + part + "`"
		}
	}
	return strings.Join(parts, "")
}

// paragraphs is a description without its breaks of lines for terminals.
func paragraphs(text string) string {
	var all []string
	for p := range strings.SplitSeq(text, "\n\n") {
		all = append(all, prose(strings.Join(strings.Fields(p), " ")))
	}
	return strings.Join(all, "\n\n")
}
