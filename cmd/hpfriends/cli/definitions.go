package cli

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/urfave/cli/v2"

	"hpfriends/api"
	"hpfriends/definitions"
	"hpfriends/internal/atomicfile"
	"hpfriends/internal/cmdline"
	"hpfriends/internal/readfile"
	"hpfriends/internal/secret"
	"hpfriends/internal/term"
)

func passphraseFlag(usage string) cli.Flag {
	return &cli.StringFlag{Name: "passphrase-file", Usage: usage}
}

// ExportDefinitions returns the command export definitions, which writes who shares what with whom to a file.
func ExportDefinitions() *cli.Command {
	cmd := cmdline.APICommand("definitions", "write users, groups, authkeys and shares to a file, as apply reads it", "",
		exportDefinitions,
		passphraseFlag("`FILE` with the passphrase under which the secrets are sealed (age), - for standard input; without it "+
			"they are left out"),
		&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "`FILE` to write; without it: standard output"},
		&cli.BoolFlag{Name: "force", Usage: "replace the file if there is one"})
	cmd.Description = `YAML, in the order of names. Passwords, tokens and sessions are not in it,
nor shares that have expired. The audit says of each secret that is sealed
that it was revealed.`
	return cmd
}

func exportDefinitions(c *cli.Context, server *api.Client) error {
	passphrase, err := cmdline.ReadSecret(c.String("passphrase-file"))
	if err != nil {
		return err
	}
	path := c.String("output")
	if _, err := os.Stat(path); path != "" && err == nil && !c.Bool("force") {
		return cmdline.Fail(cmdline.ExitConflict, term.Visible(path)+" exists: give another name, or --force to replace it")
	}
	have, err := definitions.Fetch(c.Context, server)
	if err != nil {
		return err
	}
	if passphrase != "" {
		if err := have.Reveal(c.Context, server); err != nil {
			return err
		}
	}
	write := func(w io.Writer) error { return definitions.Write(w, have.Document, secret.New(passphrase)) }
	if path == "" {
		return write(c.App.Writer)
	}
	return atomicfile.Fill(path, 0o600, write)
}

// ImportDefinitions returns the command import definitions, which adds what a file has and the server has not.
func ImportDefinitions() *cli.Command {
	cmd := cmdline.APICommand("definitions", "add the users, groups, authkeys and shares of a file", "FILE",
		func(c *cli.Context, server *api.Client) error {
			return applyFile(c, server, c.Args().First(), definitions.Mode{Keep: true})
		}, dryRunFlag(), passphraseFlag("`FILE` with the passphrase of the secrets, - for standard input; without it authkeys "+
			"get new ones"))
	cmd.Description = `What is there already and differs is a conflict, and then nothing is added.`
	return cmd
}

func dryRunFlag() cli.Flag {
	return &cli.BoolFlag{Name: "dry-run", Usage: "change nothing: say what would be changed; exit code 1 if there is " +
		"anything"}
}

// Apply returns the command apply, which brings a server to what a file says.
func Apply() *cli.Command {
	cmd := cmdline.APICommand("apply", "bring users, groups, authkeys and shares to what a file says", "",
		func(c *cli.Context, server *api.Client) error {
			var mode definitions.Mode
			if c.Bool("prune") {
				mode.Drop = definitions.Everything
			}
			return applyFile(c, server, c.String("file"), mode)
		},
		&cli.StringFlag{Name: "file", Aliases: []string{"f"}, Required: true,
			Usage: "`FILE` that export definitions has written, or somebody by hand; - for standard input"},
		&cli.BoolFlag{Name: "prune", Usage: "remove groups, authkeys and shares that are not in the file; users stay"},
		dryRunFlag(), passphraseFlag("`FILE` with the passphrase of the secrets; without it secrets that are there stay, and "+
			"new authkeys get new ones"))
	cmd.Description = `Everything is checked first, and what will be changed is printed. Doing it
again changes nothing. It shares and accepts for users, so it works on the
local socket only, where the server runs.`
	return cmd
}

// applied is what apply does, as JSON.
type applied struct {
	Changes   []definitions.Change   `json:"changes"`
	Conflicts []definitions.Conflict `json:"conflicts,omitempty"`
	Done      bool                   `json:"done"`
}

func applyFile(c *cli.Context, server *api.Client, path string, mode definitions.Mode) error {
	if c.String("server") != "" || c.String("as") != "" {
		return cmdline.Usage("definitions are applied by the owner of the data directory: without --server and --as")
	}
	want, err := readDefinitions(c, path)
	if err != nil {
		return err
	}
	ctx, stop := cmdline.UntilInterrupt(c.Context)
	defer stop()
	c.Context = ctx
	have, err := present(c, server, want)
	if err != nil {
		return err
	}
	var out applied
	out.Changes, out.Conflicts = definitions.Diff(have, want, mode)
	dry := c.Bool("dry-run")
	if !c.Bool("json") {
		printPlan(c.App.Writer, out.Changes)
		for _, one := range out.Conflicts {
			fmt.Fprintf(c.App.Writer, "conflict: %s\n", term.Visible(one.String()))
		}
	}
	if len(out.Conflicts) == 0 && !dry {
		if err := applyWithProgress(c, server, out.Changes); err != nil {
			return err
		}
		out.Done = true
	}
	if c.Bool("json") {
		if err := term.WriteJSON(c.App.Writer, out); err != nil {
			return err
		}
	}
	switch {
	case len(out.Conflicts) > 0:
		return cmdline.Fail(cmdline.ExitConflict, "nothing was changed")
	case len(out.Changes) == 0 && !c.Bool("json"):
		fmt.Fprintln(c.App.ErrWriter, "nothing to change: the server is as the file says")
	case dry && len(out.Changes) > 0:
		return cmdline.Fail(cmdline.ExitFailed, term.Count(len(out.Changes), "change", "changes")+" would be made")
	}
	return nil
}

// present is what a server has, with the secrets that are as a document has them. It shows how far it is.
func present(c *cli.Context, server *api.Client, want definitions.Document) (definitions.State, error) {
	shown := term.NewProgress(c.App.ErrWriter, "", 0)
	defer shown.Clear()
	shown.Say("reading what the server has")
	have, err := definitions.Fetch(c.Context, server)
	if err != nil {
		return have, err
	}
	return have, have.Compare(c.Context, server, want.Authkeys, func(done, total uint64) {
		shown.Tally("authkeys compared", done, total)
	})
}

// maxDefinitions is how large a file of definitions may be: a hundred thousand authkeys are 20 MiB.
const maxDefinitions = 64 << 20

// readNamed reads a file, or standard input as -.
func readNamed(path string) ([]byte, error) {
	if path == "-" {
		return readfile.All(os.Stdin, "standard input", maxDefinitions)
	}
	return readfile.UpTo(path, maxDefinitions)
}

// readDefinitions reads a file and refuses what no server would take.
func readDefinitions(c *cli.Context, path string) (d definitions.Document, err error) {
	passphrase, err := cmdline.ReadSecret(c.String("passphrase-file"))
	if err != nil {
		return d, err
	}
	text, err := readNamed(path)
	if err != nil {
		return d, cmdline.Fail(cmdline.ExitFailed, err.Error())
	}
	if d, err = definitions.Read(bytes.NewReader(text), secret.New(passphrase)); err != nil {
		return d, cmdline.Fail(cmdline.ExitFailed, term.Visible(path)+": "+err.Error()+": nothing was changed")
	}
	if _, refused := definitions.Build(d, time.Now()); len(refused) > 0 {
		for _, r := range refused[1:] {
			fmt.Fprintln(c.App.ErrWriter, term.Visible(path+": "+r.Error()))
		}
		return d, cmdline.Fail(cmdline.ExitUsage, term.Visible(path+": "+refused[0].Error())+": nothing was changed")
	}
	return d, nil
}
