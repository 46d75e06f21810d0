package operate

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"

	urfave "github.com/urfave/cli/v2"
	"gopkg.in/yaml.v3"

	"hpfriends/cmd/hpfriends/cli"
	"hpfriends/internal/atomicfile"
	"hpfriends/internal/cmdline"
	"hpfriends/internal/datadir"
	"hpfriends/internal/secret"
	"hpfriends/internal/shell"
	"hpfriends/internal/term"
)

// Step is a command to run next.
type Step struct {
	Command string `json:"command"`
	Why     string `json:"why"`
}

// Initialised is what init has made: paths are absolute.
type Initialised struct {
	Config  string `json:"config"`
	DataDir string `json:"data_dir"`
	Next    []Step `json:"next"`
}

// Init returns the command init, which prepares the first node.
func Init() *urfave.Command {
	// The file of settings is what is written.
	flags := slices.DeleteFunc(cli.SettingFlags(), func(f urfave.Flag) bool { return f.Names()[0] == "config" })
	return &urfave.Command{
		Name: "init", Usage: "write settings and a data directory for a first node", ArgsUsage: "[FILE]",
		Description: `Writes the settings that are given as flags, or in the environment, into
FILE, hpfriends.yaml without one, and makes the data directory with its data
key; then says what to run next. Nothing that is there is touched: FILE must
not be, and the data directory must be empty or not be. With --cluster the
node begins a cluster; others join it and need no init.`,
		Flags: append(flags, &urfave.BoolFlag{Name: "json", Usage: "print JSON"}),
		Action: func(c *urfave.Context) error {
			args, err := cmdline.Args(c)
			if err != nil {
				return err
			}
			made, err := initialise(c, append(args, "hpfriends.yaml")[0])
			if err != nil {
				return err
			}
			return cmdline.Show(c, made, func(w io.Writer) { printInitialised(w, made) })
		},
	}
}

func initialise(c *urfave.Context, file string) (made Initialised, err error) {
	s, _, err := cli.LoadSettings(c)
	if err != nil {
		return made, err
	}
	if s.Join != "" {
		return made, cmdline.Usage("init is for the first node: another one is started with `hpfriends serve --join`")
	}
	s.Bootstrap = s.Cluster != ""
	if err := cmdline.Absolute(&file, &s.DataDir, &s.TLS.Cert, &s.TLS.Key, &s.Geo); err != nil {
		return made, err
	}
	text, err := settingsFile(s, func(name string) bool { return c.IsSet(name) })
	if err != nil {
		return made, err
	}
	if err := vacant(s.DataDir); err != nil {
		return made, err
	}
	if err := atomicfile.Create(file, text, 0o600); errors.Is(err, fs.ErrExist) {
		return made, cmdline.Fail(cmdline.ExitConflict, file+" is there already: name a file that is not")
	} else if err != nil {
		return made, err
	}
	if _, err = datadir.Make(s.DataDir); err == nil {
		_, err = secret.LoadOrCreate(s.DataDir)
	}
	if err != nil {
		return made, errors.Join(err, os.Remove(file))
	}
	return Initialised{Config: file, DataDir: s.DataDir, Next: nextSteps(file, s)}, nil
}

// vacant refuses a directory that holds anything: a data key that is made beside an old log opens nothing in it.
func vacant(dir string) error {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case len(entries) > 0:
		return cmdline.Fail(cmdline.ExitConflict,
			fmt.Sprintf("%s is not empty (%s): name another --data-dir", dir, entries[0].Name()))
	}
	return nil
}

// written are settings that the file has in any case.
var written = []string{"data-dir", "hpfeeds", "http"}

// settingsFile has those settings that are written in any case, and those that were given.
func settingsFile(s cli.Settings, given func(name string) bool) ([]byte, error) {
	raw, err := yaml.Marshal(s)
	if err != nil {
		return nil, err
	}
	var values map[string]yaml.Node
	if err := yaml.Unmarshal(raw, &values); err != nil {
		return nil, err
	}
	text := []byte("# Settings of hpfriends serve, by the names of its flags. All of them, with what they do:\n" +
		"# hpfriends config example. Those that change while it runs are read again on SIGHUP.\n")
	for _, name := range cli.SettingNames {
		value, ok := values[name]
		if !ok || !given(name) && !slices.Contains(written, name) && (name != "bootstrap" || !s.Bootstrap) {
			continue
		}
		line, err := yaml.Marshal(map[string]*yaml.Node{name: &value})
		if err != nil {
			return nil, err
		}
		text = append(text, line...)
	}
	return text, nil
}

func nextSteps(file string, s cli.Settings) []Step {
	config, dir := " --config "+shell.Quote(file), " --data-dir "+shell.Quote(s.DataDir)
	steps := []Step{
		{"hpfriends doctor" + config, "looks whether this machine is ready for it"},
		{"hpfriends serve" + config, "starts the node, and prints a link that makes you its admin"},
		{"hpfriends backup data-key export FILE" + dir, "without this key, secrets in a backup are lost: keep it elsewhere"},
	}
	if s.Cluster != "" {
		steps = append(steps, Step{"hpfriends cluster token create" + dir,
			"while it runs: lets another node in (hpfriends serve --join " + cmp.Or(s.Advertise, s.Cluster) + ")"})
	}
	return steps
}

func printInitialised(w io.Writer, made Initialised) {
	fmt.Fprintf(w, "settings  %s\ndata      %s\n\nnext:\n", term.Visible(made.Config), term.Visible(made.DataDir))
	for _, s := range made.Next {
		fmt.Fprintf(w, "  %s\n      %s\n", term.Visible(s.Command), s.Why)
	}
}
