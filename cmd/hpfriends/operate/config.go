package operate

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	urfave "github.com/urfave/cli/v2"
	"gopkg.in/yaml.v3"

	"hpfriends/cmd/hpfriends/cli"
	"hpfriends/internal/cmdline"
	"hpfriends/internal/term"
)

// Config returns the command config, which shows and checks the settings that serve would take.
func Config() *urfave.Command {
	return &urfave.Command{
		Name: "config", Usage: "the settings of a server", Subcommands: []*urfave.Command{
			{
				Name: "view", Usage: "print the settings in force, and where each is from",
				Flags: append(cli.SettingFlags(), &urfave.BoolFlag{Name: "json", Usage: "print JSON"}),
				Action: func(c *urfave.Context) error {
					s, origin, err := cli.LoadSettings(c)
					if err != nil {
						return err
					}
					var shown bytes.Buffer
					if err := printSettings(&shown, s, origin); err != nil {
						return err
					}
					return cmdline.Show(c, s, func(w io.Writer) { _, _ = shown.WriteTo(w) })
				},
			},
			{
				Name: "validate", Usage: "check a file of settings", ArgsUsage: "FILE",
				Flags: []urfave.Flag{cmdline.DataDirFlag()},
				Action: func(c *urfave.Context) error {
					args, err := cmdline.Args(c)
					if err != nil {
						return err
					}
					return validate(c, args[0])
				},
			},
			{
				Name: "example", Usage: "print a file of settings, each with what it does and its default",
				Flags: []urfave.Flag{cmdline.DataDirFlag()},
				Action: func(c *urfave.Context) error {
					if _, err := cmdline.Args(c); err != nil {
						return err
					}
					text, err := example(cli.SettingFlags(), cli.SettingNames)
					if err != nil {
						return err
					}
					_, err = io.WriteString(c.App.Writer, text)
					return err
				},
			},
		},
	}
}

// validate says of a file that nothing is wrong, or prints all that is.
func validate(c *urfave.Context, path string) error {
	n, err := cli.ValidateSettings(path)
	if err == nil {
		fmt.Fprintf(c.App.Writer, "%s: %s, nothing is wrong\n", term.Visible(path), term.Count(n, "setting", "settings"))
		return nil
	}
	code, text := cmdline.Explain(err)
	wrong := cmdline.Faults(text)
	if len(wrong) == 1 {
		return err
	}
	for _, one := range wrong {
		fmt.Fprintln(c.App.ErrWriter, term.Visible(one))
	}
	return cmdline.Fail(code, fmt.Sprintf("%s: %d things are wrong", path, len(wrong)))
}

func printSettings(w io.Writer, s cli.Settings, origin map[string]string) error {
	raw, err := yaml.Marshal(s)
	if err != nil {
		return err
	}
	values := make(map[string]any)
	if err := yaml.Unmarshal(raw, &values); err != nil {
		return err
	}
	for name, value := range values {
		if list, ok := value.([]any); ok {
			values[name] = strings.TrimSpace(fmt.Sprintln(list...))
		}
	}
	var rows [][]string
	for _, name := range cli.SettingNames {
		rows = append(rows, []string{name, fmt.Sprint(values[name]), origin[name]})
	}
	term.Table(w, []string{"Setting", "Value", "From"}, rows)
	return nil
}

// example is a file of settings that changes nothing: every line is a comment. It is made of the flags, so that it
// cannot say anything else than they do.
func example(flags []urfave.Flag, names []string) (string, error) {
	var b strings.Builder
	b.WriteString("# Settings of hpfriends serve, with their defaults. A flag goes before its environment variable,\n" +
		"# and that before this file. Check it with: hpfriends config validate FILE\n")
	for _, name := range names {
		f := flagOf(flags, name)
		if f == nil {
			return "", fmt.Errorf("there is no flag --%s", name)
		}
		value := []byte(name + ":\n") // nothing: the same as no line
		if v := defaultOf(f); v != "" {
			var err error
			if value, err = yaml.Marshal(map[string]any{name: v}); err != nil {
				return "", err
			}
		}
		b.WriteByte('\n')
		text := strings.ReplaceAll(f.GetUsage(), "`", "")
		if env := f.GetEnvVars(); len(env) > 0 {
			text += " [" + env[0] + "]"
		}
		for _, line := range wrap(text, 110) {
			b.WriteString("# " + line + "\n")
		}
		for line := range strings.Lines(string(value)) {
			b.WriteString("#" + line)
		}
	}
	return b.String(), nil
}

func flagOf(flags []urfave.Flag, name string) urfave.DocGenerationFlag {
	for _, f := range flags {
		if doc, ok := f.(urfave.DocGenerationFlag); ok && f.Names()[0] == name {
			return doc
		}
	}
	return nil
}

// defaultOf is what a flag is when nobody gives it.
func defaultOf(f urfave.DocGenerationFlag) any {
	switch f := f.(type) {
	case *urfave.BoolFlag:
		return f.Value
	case *urfave.IntFlag:
		return f.Value
	case *urfave.StringFlag:
		return f.Value
	case *urfave.StringSliceFlag:
		if f.Value == nil {
			return []string{}
		}
		return f.Value.Value()
	}
	return f.GetValue()
}

// wrap breaks text between words into lines of at most width bytes, where words allow it.
func wrap(text string, width int) (lines []string) {
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines, line = append(lines, line), ""
		}
		line = strings.TrimPrefix(line+" "+word, " ")
	}
	return append(lines, line)
}
