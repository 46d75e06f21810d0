package complete

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

func newApp() *cli.App {
	as := &cli.StringFlag{Name: "as", Usage: "act as `USER`"}
	return &cli.App{Commands: []*cli.Command{
		{Name: "user", Usage: "accounts", Subcommands: []*cli.Command{
			{Name: "ls", Aliases: []string{"list"}, Flags: []cli.Flag{as}},
			{Name: "show", ArgsUsage: "NAME", Flags: []cli.Flag{as, &cli.BoolFlag{Name: "json"}}},
		}},
		{Name: "share", Subcommands: []*cli.Command{
			{Name: "rm", ArgsUsage: "ID...", Flags: []cli.Flag{as}},
		}},
		{Name: "serve", Flags: []cli.Flag{
			&cli.StringFlag{Name: "compat", Usage: "`STYLE` of refusals: lineage, or reference (as others do, or not)"},
			&cli.StringFlag{Name: "name", Usage: "broker `NAME`: any text, or none"},
			&cli.StringFlag{Name: "config", Aliases: []string{"c"}, Usage: "YAML `FILE`"},
		}},
	}}
}

// A line is read as the program would read it, and the server of that line is asked.
func TestWhatCouldStandAtTheCursor(t *testing.T) {
	const list = `[{"handle":"ada","role":"admin"},{"handle":"a\tb"},{"handle":""},{"handle":"bob","role":"member"}]`
	for _, c := range []struct{ line, want, asked string }{
		{"|us", "user\taccounts\n", ""},
		{"|user|l", "ls\t\nlist\t\n", ""},
		{"|user|show|", "ada\tadmin\nbob\tmember\n", "user ls --json"},
		{"|user|show|a", "ada\tadmin\n", "user ls --json"},
		{"|user|show|ada|", "", ""}, // there is no second argument
		{"|--as|bob|user|show|", "ada\tadmin\nbob\tmember\n", "user ls --as=bob --json"},
		{"|user|show|--as=b", "--as=bob\tmember\n", "user ls --json"},
		{"|user|show|--json|--as|'ada'|--|-", "", "user ls --as=ada --json"},
		{"|share|rm|1|", "7\tx ada\n", "share ls --json"},
		{"|serve|--compat|", "lineage\t\nreference\t\n", ""},
		{"|serve|--name|", "", ""},
		{"|serve|-c|x", "files", ""},
		{"|serve|--con", "--config\tYAML FILE\n", ""},
		{"|bogus|", "", ""},
	} {
		asked, out := "", new(bytes.Buffer)
		run := func(_ context.Context, args []string, w io.Writer) error {
			asked = strings.Join(args[1:], " ")
			answer := list
			if args[1] == "share" {
				answer = `[{"id":7,"channel":"x","from":"ada"}]`
			}
			_, err := io.WriteString(w, answer)
			return err
		}
		files := Print(t.Context(), newApp(), run, strings.Split(c.line, "|")[1:], out)
		if got := out.String(); files != (c.want == "files") || !files && got != c.want || asked != c.asked {
			t.Errorf("%s: %q, files %t, asked %q; want %q, asked %q", c.line, got, files, asked, c.want, c.asked)
		}
	}
}

func TestServerWithoutAnAnswerHasNoNames(t *testing.T) {
	for _, run := range []Run{
		func(context.Context, []string, io.Writer) error { return errors.New("no server") },
		func(_ context.Context, _ []string, w io.Writer) error { _, err := io.WriteString(w, "{"); return err },
		func(_ context.Context, _ []string, w io.Writer) error {
			_, err := io.WriteString(w, `"text"`)
			return err
		},
	} {
		var out bytes.Buffer
		if files := Print(t.Context(), newApp(), run, []string{"user", "show", ""}, &out); files || out.Len() > 0 {
			t.Errorf("files %t, %q", files, out.String())
		}
	}
}
