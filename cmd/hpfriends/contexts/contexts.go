// Package contexts has the command context: the servers that a person talks to, each under a name.
//
// What they are is kept by internal/contexts, and all commands that ask a server take them from there: see
// cmdline.APICommand. No token is printed.
package contexts

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strconv"

	urfave "github.com/urfave/cli/v2"

	"hpfriends/internal/cmdline"
	store "hpfriends/internal/contexts"
	"hpfriends/internal/term"
	"hpfriends/internal/trust"
)

// Command returns the command context.
func Command() *urfave.Command {
	return &urfave.Command{
		Name: "context", Usage: "the servers that you talk to, by name",
		Description: `A command that asks a server asks that of --context, else that of --server
or --data-dir, else that of HPFRIENDS_CONTEXT, else that of the current
context, which "context use" chooses. The name "local" is the data directory
of this machine, as without any context. They are kept in hpfriends below
the directory for settings (~/.config), tokens and secrets in files for you
only. What speaks hpfeeds ("pub", "sub", "sendfile", "import", and "replay
--to channel:NAME") logs in at the context's --hpfeeds with its authkey,
unless --host or --port, or a variable for them, names a broker.`,
		Subcommands: []*urfave.Command{
			{
				Name: "add", Usage: "add a server", ArgsUsage: "NAME", Action: storing(add),
				Description: `A server elsewhere is named by its URL, with an API token; a first token is
made by "hpfriends token add --server URL --user USER --password-file FILE".
A server of this machine is named by its data directory. The token is read
now and kept: its file is not needed any more.`,
				Flags: []urfave.Flag{
					&urfave.StringFlag{Name: "server", Usage: "the server's `URL`"},
					&urfave.StringFlag{Name: "token-file", Usage: "`FILE` with the API token, - for standard input"},
					&urfave.StringFlag{Name: "tls-ca", Usage: "PEM `FILE` of certificates to trust, of --server or its authority"},
					&urfave.StringSliceFlag{Name: "tls-pin",
						Usage: "trust the certificate with this fingerprint, `sha256:HEX` (repeat for more)"},
					&urfave.StringFlag{Name: "data-dir", Usage: "the `DIR` of a server of this machine, instead of --server"},
					&urfave.StringFlag{Name: "as", Usage: "act as `USER`, with --data-dir"},
					&urfave.StringFlag{Name: "hpfeeds",
						Usage: "where it speaks hpfeeds, `HOST:PORT`, for commands that publish or subscribe"},
					&urfave.BoolFlag{Name: "hpfeeds-tls", Usage: "by TLS, trusting whom --tls-ca or --tls-pin say"},
					&urfave.StringFlag{Name: "ident", Usage: "`IDENT` of the authkey, with --hpfeeds"},
					&urfave.StringFlag{Name: "secret-file", Usage: "`FILE` with its secret, - for standard input"},
					&urfave.BoolFlag{Name: "use", Usage: "make it the current one"},
				},
			},
			{
				Name: "ls", Aliases: []string{"list"}, Usage: "list them; the current one has a *", Action: storing(list),
				Flags: []urfave.Flag{&urfave.BoolFlag{Name: "json", Usage: "print JSON"}},
			},
			{Name: "use", Usage: "make one the current one; local: none", ArgsUsage: "NAME", Action: storing(use)},
			{
				Name: "rm", Aliases: []string{"remove"}, Usage: "forget one, and its token", ArgsUsage: "NAME",
				Action: storing(remove),
				Description: `The server does not learn of it: the token stays valid until it ends, or is
removed there (hpfriends token rm).`,
			},
		},
	}
}

// storing is a command on the store of who runs it.
func storing(action func(*urfave.Context, store.Store) error) urfave.ActionFunc {
	return func(c *urfave.Context) error {
		if _, err := cmdline.Args(c); err != nil {
			return err
		}
		s, err := store.Open()
		if err != nil {
			return err
		}
		err = action(c, s)
		switch {
		case errors.Is(err, store.ErrUnknown):
			return cmdline.Fail(cmdline.ExitNotFound, err.Error()+": `hpfriends context ls` has them")
		case errors.Is(err, store.ErrTaken):
			return cmdline.Fail(cmdline.ExitConflict, err.Error()+": `hpfriends context rm` forgets it")
		case errors.Is(err, store.ErrName):
			return cmdline.Usage("%v", err)
		}
		return err
	}
}

func add(c *urfave.Context, s store.Store) error {
	at := store.Context{
		Server: c.String("server"), TLSCA: c.String("tls-ca"), TLSPins: c.StringSlice("tls-pin"),
		DataDir: c.String("data-dir"), As: c.String("as"),
		Broker: store.Broker{
			Hpfeeds: c.String("hpfeeds"), HpfeedsTLS: c.Bool("hpfeeds-tls"), Ident: c.String("ident"),
		},
	}
	if err := errors.Join(checkBroker(c, at.Broker), check(c, at)); err != nil {
		return err
	}
	if err := cmdline.Absolute(&at.TLSCA, &at.DataDir); err != nil {
		return err
	}
	var own store.Secrets
	var err error
	if own.Token, err = cmdline.ReadSecret(c.String("token-file")); err != nil {
		return err
	}
	if own.Authkey, err = cmdline.ReadSecret(c.String("secret-file")); err != nil {
		return err
	}
	name := c.Args().First()
	if err := s.Add(name, at, own); err != nil || !c.Bool("use") {
		return err
	}
	return s.Use(name)
}

// checkBroker refuses what can be no broker, or no login there.
func checkBroker(c *urfave.Context, at store.Broker) error {
	file := c.String("secret-file")
	if at.Hpfeeds == "" {
		if at.HpfeedsTLS || at.Ident != "" || file != "" {
			return cmdline.Usage("--hpfeeds-tls, --ident and --secret-file are for --hpfeeds")
		}
		return nil
	}
	host, port, err := net.SplitHostPort(at.Hpfeeds)
	if n, e := strconv.Atoi(port); err != nil || e != nil || host == "" || n < 1 || n > 65535 {
		return cmdline.Usage("--hpfeeds %q: want HOST:PORT like broker.example:10000", at.Hpfeeds)
	}
	switch {
	case at.Ident == "" || file == "":
		return cmdline.Usage("--hpfeeds needs --ident and --secret-file")
	case file == "-" && c.String("token-file") == "-":
		return cmdline.Usage("--token-file and --secret-file: standard input is for one of them")
	}
	return nil
}

// check refuses what can be no server.
func check(c *urfave.Context, at store.Context) error {
	switch {
	case (at.Server == "") == (at.DataDir == ""):
		return cmdline.Usage("give --server URL for a server elsewhere, or --data-dir DIR for one of this machine")
	case at.DataDir != "" && (c.String("token-file") != "" || at.TLSCA != "" || len(at.TLSPins) > 0):
		return cmdline.Usage("--token-file, --tls-ca and --tls-pin are for --server")
	case at.DataDir != "":
		return nil
	case at.As != "":
		return cmdline.Usage("--as is for --data-dir: a token acts as its owner")
	case c.String("token-file") == "":
		return cmdline.Usage("--server needs --token-file")
	}
	u, err := url.Parse(at.Server)
	switch {
	case err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil:
		return cmdline.Usage("--server %q: want a URL like https://broker.example", at.Server)
	case u.Scheme == "http" && (at.TLSCA != "" || len(at.TLSPins) > 0):
		return cmdline.Usage("--tls-ca and --tls-pin are about TLS: want --server https://…")
	}
	if _, err := (trust.Policy{Host: u.Hostname(), File: at.TLSCA, Pins: at.TLSPins}).Config(); err != nil {
		return cmdline.Usage("%v", err)
	}
	return nil
}

func list(c *urfave.Context, s store.Store) error {
	all, err := s.Load()
	if err != nil {
		return err
	}
	return cmdline.Show(c, all, func(w io.Writer) {
		mark := map[bool]string{true: "*"}
		rows := [][]string{{mark[all.Current == store.Local], store.Local, "data directory, or the environment", "", "", ""}}
		for _, name := range all.Names() {
			at := all.Contexts[name]
			rows = append(rows, []string{mark[all.Current == name], name, at.Server + at.DataDir, at.As, at.Hpfeeds, at.Ident})
		}
		term.Table(w, []string{"", "Name", "Server", "As", "Hpfeeds", "Ident"}, rows)
	})
}

func use(c *urfave.Context, s store.Store) error { return s.Use(c.Args().First()) }

func remove(c *urfave.Context, s store.Store) error {
	all, err := s.Load()
	if err != nil {
		return err
	}
	name := c.Args().First()
	if err := s.Remove(name); err != nil {
		return err
	}
	if all.Current == name {
		fmt.Fprintln(c.App.ErrWriter, "it was the current context: the data directory is asked now")
	}
	return nil
}
