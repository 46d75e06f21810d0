package cli

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"hpfriends/api"
	"hpfriends/definitions"
	"hpfriends/importer"
	"hpfriends/internal/cmdline"
	"hpfriends/internal/term"
)

// store is a kind of key store, by the flag that names one.
type store struct {
	flag, usage string
	read        func(path string) (importer.Store, error)
}

var stores = []store{
	{"sqlite", "the Python broker's database, `FILE`; it may be running", importer.SQLite},
	{"json", "the Python broker's users.json, `FILE`", importer.JSON},
	{"mongo-export", "what mongoexport wrote of the collection auth_key (MHN, CHN), `FILE`", importer.Mongo},
	{"sql-export", "a dump of the table auth_keys or authkeys, `FILE`: by pg_dump, mysqldump or sqlite3 .dump", importer.SQL},
	{"hpfeeds-rs", "the database of hpfeeds-rs, `FILE`; it may be running", importer.HpfeedsRS},
}

// ImportHpfeeds returns the command import hpfeeds, which takes over the authkeys of another broker.
func ImportHpfeeds() *cli.Command {
	cmd := cmdline.APICommand("hpfeeds", "take over the authkeys of another hpfeeds broker, and who received what", "",
		importHpfeeds)
	flags := cmd.Flags[:0]
	for _, f := range cmd.Flags { // --json is a store here, and what acts as a user is of no use
		if name := f.Names()[0]; name != "json" && name != "as" {
			flags = append(flags, f)
		}
	}
	for _, s := range stores {
		flags = append(flags, &cli.StringFlag{Name: s.flag, Usage: s.usage})
	}
	cmd.Flags = append(flags,
		&cli.BoolFlag{Name: "env", Usage: "the environment of the Python broker: HPFEEDS_IDENT_SECRET and so on"},
		&cli.StringFlag{Name: "sharing", Value: "preserve", Usage: "`HOW`: preserve (everything flows as before, by shares " +
			"that are enabled) or none (nothing flows between users until they share)"},
		&cli.StringFlag{Name: "owner", Usage: "`USER` who gets the authkeys of which the store names no owner; without it " +
			"each has a user of its own"},
		&cli.BoolFlag{Name: "skip-bad", Usage: "leave out what cannot be taken over, rather than take over nothing"},
		&cli.BoolFlag{Name: "dry-run", Usage: "change nothing: say what would be done, and what flows before and after"},
		&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Value: "table", Usage: "`FORM`: table or json"})
	cmd.Description = `Name one store. Each owner in it becomes a user, each of its keys an authkey
with the ident and the secret that it has, weak ones too: no client is
changed but for its host and port. In those brokers everybody who may
subscribe to a channel receives what anybody publishes there; with --sharing
preserve each owner shares each such channel with those who could receive it,
and they have enabled it, so that the same messages reach the same clients.
Everything is checked first. What cannot be taken over is named, and then
nothing is done, unless --skip-bad leaves it out. Doing it again does the
rest.`
	return cmd
}

// importReport is what an import does.
type importReport struct {
	Users      int                    `json:"users"`
	Authkeys   int                    `json:"authkeys"`
	Shares     int                    `json:"shares"`
	Deliveries *importer.Comparison   `json:"deliveries,omitempty"` // of a message: publisher, subscriber, channel
	Renamed    map[string]string      `json:"renamed,omitempty"`    // handle -> owner in the store
	Changes    []definitions.Change   `json:"changes"`
	Conflicts  []definitions.Conflict `json:"conflicts,omitempty"`
	Problems   []importer.Problem     `json:"problems,omitempty"`
	Done       bool                   `json:"done"`

	channels []channelUse
	lossy    int // of the problems
}

func importHpfeeds(c *cli.Context, server *api.Client) error {
	from, read, err := chosenStore(c)
	if err != nil {
		return err
	}
	keep, err := choice(c, "sharing", "preserve", "none")
	if err != nil {
		return err
	}
	form, err := choice(c, "output", "table", "json")
	if err != nil {
		return err
	}
	ctx, stop := cmdline.UntilInterrupt(c.Context)
	defer stop()
	c.Context = ctx
	shown := term.NewProgress(c.App.ErrWriter, "", 0)
	shown.Say("reading " + term.Visible(from))
	s, err := read()
	shown.Clear()
	if err == nil && len(s.Keys) == 0 {
		err = fmt.Errorf("%s: nobody could log in by it: nothing to import", from)
		for _, p := range s.Problems {
			fmt.Fprintf(c.App.ErrWriter, "note: %s\n", term.Visible(p.String()))
		}
	}
	if err != nil {
		return cmdline.Fail(cmdline.ExitFailed, err.Error()+hint(c, from))
	}
	shown.Say("finding who shares what with whom")
	plan := s.Plan(importer.Options{
		Owner: c.String("owner"), Sharing: keep == "preserve", Comment: "imported from " + from, Note: "as in " + from,
	})
	shown.Clear()
	if c.String("server") != "" && len(plan.Document.Shares) > 0 {
		return cmdline.Usage("--sharing preserve shares and accepts for others, which only the owner of the data directory " +
			"may: run it where the server runs, or with --sharing none")
	}
	r, err := planImport(c, server, s, plan)
	if err != nil {
		return err
	}
	blocked := r.blocked(c.Bool("skip-bad"))
	if !c.Bool("dry-run") && blocked == nil {
		if err := applyWithProgress(c, server, r.Changes); err != nil {
			return err
		}
		r.Done = true
	}
	if form == "json" {
		err = term.WriteJSON(c.App.Writer, r)
	} else {
		r.print(c.App.Writer, c.Bool("dry-run"))
	}
	if blocked != nil {
		return blocked
	}
	return err
}

// planImport says what an import does to the server as it is.
func planImport(c *cli.Context, server *api.Client, s importer.Store, plan importer.Plan) (*importReport, error) {
	have, err := present(c, server, plan.Document)
	if err != nil {
		return nil, err
	}
	d := plan.Document
	r := &importReport{Users: len(d.Users), Authkeys: len(d.Authkeys), Shares: len(d.Shares), Renamed: plan.Owners,
		Problems: plan.Problems, channels: channelsOf(s), lossy: len(plan.Lossy())}
	r.Changes, r.Conflicts = definitions.Diff(have, d, definitions.Mode{Keep: true})
	if len(d.Shares) > 0 || c.String("sharing") == "preserve" {
		shown := term.NewProgress(c.App.ErrWriter, "channels", 0)
		r.Deliveries = new(s.Compare(d, shown.Reach))
		shown.Clear()
	}
	return r, nil
}

// blocked is why nothing is done, if that is so.
func (r *importReport) blocked(skip bool) error {
	switch {
	case skip:
	case len(r.Conflicts) > 0:
		return cmdline.Fail(cmdline.ExitConflict, fmt.Sprintf("%s: nothing was imported; --skip-bad leaves it out",
			term.Count(len(r.Conflicts), "thing is there and differs", "things are there and differ")))
	case r.lossy > 0:
		what := term.Count(r.lossy, "thing cannot be taken over", "things cannot be taken over")
		return cmdline.Fail(cmdline.ExitFailed, what+": nothing was imported; mend the store, or --skip-bad leaves it out")
	}
	return nil
}

// chosenStore is the one store that the flags name: what it is called, and how it is read.
func chosenStore(c *cli.Context) (name string, read func() (importer.Store, error), err error) {
	flags := []string{"--env"}
	if c.Bool("env") {
		name, read = "the environment", func() (importer.Store, error) { return importer.Env(os.Environ()) }
	}
	for _, s := range stores {
		flags = append(flags, "--"+s.flag)
		path := c.String(s.flag)
		if path == "" {
			continue
		}
		if read != nil {
			return "", nil, cmdline.Usage("name one store, not several")
		}
		name, read = path, func() (importer.Store, error) { return s.read(path) }
	}
	if read == nil {
		return "", nil, cmdline.Usage("name a store: one of %s", strings.Join(flags, ", "))
	}
	return name, read, nil
}

// hint says which flag reads a store that is none of the kind that was named.
func hint(c *cli.Context, path string) string {
	if c.Bool("env") {
		return "; run it where the variables of the broker are: HPFEEDS_IDENT_SECRET and so on, which sudo does not pass on"
	}
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() { // a pipe is read once
		return ""
	}
	for _, other := range stores {
		if c.String(other.flag) != "" {
			continue
		}
		if s, err := other.read(path); err == nil && len(s.Keys) > 0 {
			return fmt.Sprintf("; --%s reads it", other.flag)
		}
	}
	return ""
}

// choice is the value of a flag that takes one of several.
func choice(c *cli.Context, flag string, values ...string) (string, error) {
	for _, v := range values {
		if c.String(flag) == v {
			return v, nil
		}
	}
	return "", cmdline.Usage("--%s %s: want %s", flag, c.String(flag), strings.Join(values, " or "))
}

// applyWithProgress makes changes, and shows how many are done.
func applyWithProgress(c *cli.Context, server *api.Client, changes []definitions.Change) error {
	if len(changes) == 0 {
		return nil
	}
	shown := term.NewProgress(c.App.ErrWriter, "changes", uint64(len(changes)))
	if err := definitions.Apply(c.Context, server, changes, func() { shown.Add(1) }); err != nil {
		shown.Clear()
		return err
	}
	shown.Done("change")
	return nil
}

func (r *importReport) print(w io.Writer, dry bool) {
	if dry {
		printPlan(w, r.Changes)
		r.printChannels(w)
	}
	for _, p := range r.Problems {
		kind := "note"
		if p.Lossy {
			kind = "cannot be taken over"
		}
		fmt.Fprintf(w, "%s: %s\n", kind, term.Visible(p.String()))
	}
	for _, one := range r.Conflicts {
		fmt.Fprintf(w, "conflict: %s\n", term.Visible(one.String()))
	}
	fmt.Fprintf(w, "%s, %s and %s; %s\n", term.Count(r.Users, "user", "users"),
		term.Count(r.Authkeys, "authkey", "authkeys"), term.Count(r.Shares, "share", "shares"), r.outcome(dry))
	if d := r.Deliveries; d != nil {
		same := "the same as before"
		if !d.Same() {
			same = fmt.Sprintf("%d before: %d would be missing", d.Before, len(d.Missing))
		}
		fmt.Fprintf(w, "deliveries (publisher, subscriber, channel): %d, %s\n", d.After, same)
	}
}

func (r *importReport) outcome(dry bool) string {
	n := term.Count(len(r.Changes), "change", "changes")
	switch {
	case dry && len(r.Changes) == 0:
		return "nothing would change"
	case dry:
		return n + " would be made"
	case !r.Done:
		return n + " not made"
	case len(r.Changes) == 0:
		return "everything was there already"
	}
	return n + " made"
}
