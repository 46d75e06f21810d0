package complete

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// line is a command line up to the cursor.
type line struct {
	path    []string       // of the command, by the names of the commands
	level   []*cli.Command // which commands may follow
	command *cli.Command   // nil: none yet
	args    int            // arguments of the command before the cursor
	bare    bool           // a "--" stands before the cursor: no flag may follow
	flag    cli.Flag       // whose value stands at the cursor
	prefix  string         // of what stands at the cursor, before that value: "--to="
	cur     string         // what has been typed of the word at the cursor
	server  []string       // flags of the line that say which server is asked, and as whom
}

// serverFlags are those by which a command finds its server.
var serverFlags = []string{"data-dir", "server", "token-file", "context", "C", "as", "tls-ca", "tlscert", "tls-pin"}

// parse reads the words behind the name of the program. The last is that at the cursor.
func parse(app *cli.App, words []string) line {
	l := line{level: app.Commands}
	if len(words) == 0 {
		return l
	}
	last := len(words) - 1
	for i := 0; i < last; i++ {
		w := unquoted(words[i])
		name, value, glued := strings.Cut(strings.TrimLeft(w, "-"), "=")
		switch {
		case l.bare || len(w) < 2 || w[0] != '-':
			l.word(w)
		case w == "--":
			l.bare = true
		default:
			f := l.flagOf(app, name)
			if f == nil || !takesValue(f) {
				continue
			}
			if !glued && i+1 == last {
				l.flag = f
			} else if !glued {
				i++
				value = unquoted(words[i])
			}
			if l.flag == nil && slices.Contains(serverFlags, name) {
				l.server = append(l.server, "--"+name+"="+value)
			}
		}
	}
	l.cur = unquoted(words[last])
	if name, value, glued := strings.Cut(l.cur, "="); glued && l.flag == nil && strings.HasPrefix(name, "--") && !l.bare {
		if f := l.flagOf(app, strings.TrimLeft(name, "-")); f != nil && takesValue(f) {
			l.flag, l.prefix, l.cur = f, name+"=", value
		}
	}
	return l
}

// word takes a word that is no flag: a command, or an argument.
func (l *line) word(w string) {
	if l.args == 0 && !l.bare {
		for _, c := range l.level {
			if c.HasName(w) {
				l.path, l.level, l.command = append(l.path, c.Name), c.Subcommands, c
				return
			}
		}
	}
	l.args++
}

// flagOf finds a flag by its name: of the command, else of any.
func (l *line) flagOf(app *cli.App, name string) cli.Flag {
	if l.command != nil {
		if f := among(l.command.Flags, name); f != nil {
			return f
		}
	}
	return below(app.Commands, name)
}

func below(commands []*cli.Command, name string) cli.Flag {
	for _, c := range commands {
		if f := among(c.Flags, name); f != nil {
			return f
		}
		if f := below(c.Subcommands, name); f != nil {
			return f
		}
	}
	return nil
}

func among(flags []cli.Flag, name string) cli.Flag {
	for _, f := range flags {
		if slices.Contains(f.Names(), name) {
			return f
		}
	}
	return nil
}

func takesValue(f cli.Flag) bool {
	v, ok := f.(cli.DocGenerationFlag)
	return ok && v.TakesValue()
}

// unquoted is a word as the shell would give it to the program, where that is simple.
func unquoted(w string) string {
	if rest, ok := strings.CutPrefix(w, "~/"); ok {
		if home, err := os.UserHomeDir(); err == nil {
			return filepath.Join(home, rest)
		}
	}
	if n := len(w); n > 1 && (w[0] == '\'' || w[0] == '"') && w[n-1] == w[0] {
		return w[1 : n-1]
	}
	return strings.ReplaceAll(w, `\`, "")
}
