package cli

import (
	"cmp"
	"fmt"
	"io"
	"net/netip"
	"reflect"
	"time"

	"github.com/urfave/cli/v2"

	"hpfriends/api"
	"hpfriends/graph"
	"hpfriends/internal/cmdline"
	"hpfriends/internal/term"
	"hpfriends/internal/timespec"
	"hpfriends/query"
)

func authkeyFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringSliceFlag{Name: "pub", Usage: "may publish on `PATTERN`: a channel, or a prefix followed by * (repeat " +
			"for more)"},
		&cli.StringSliceFlag{Name: "sub", Usage: "may subscribe to `PATTERN` (repeat for more)"},
		&cli.StringFlag{Name: "comment", Usage: "what it is for"},
		&cli.StringFlag{Name: "expires", Usage: "`TIME` from which on it is no longer valid: " + timespec.Forms},
		&cli.StringSliceFlag{Name: "network", Usage: "may log in from `CIDR` only (repeat for more)"},
		&cli.IntFlag{Name: "max-message", Usage: "largest frame it is sent, in `BYTES`"},
	}
}

func Authkey() *cli.Command {
	ls := cmdline.APICommand("ls", "list authkeys with their statistics", "",
		func(c *cli.Context, server *api.Client) error {
			all, err := api.ListAuthkeys.All(c.Context, server, api.AuthkeysQuery{Owner: c.String("as")})
			if err != nil {
				return err
			}
			return cmdline.Show(c, all, func(w io.Writer) { listAuthkeys(w, all) })
		})
	ls.Aliases = []string{"list"}
	enabled := func(on bool) func(*cli.Context, *api.Client) error {
		return func(c *cli.Context, server *api.Client) error {
			return patchAuthkey(c, server, api.AuthkeyChanges{Enabled: &on})
		}
	}
	secretFile := &cli.StringFlag{Name: "secret-file",
		Usage: "`FILE` with the secret, - for standard input; without it one is made"}
	return &cli.Command{
		Name: "authkey", Usage: "what sensors and tools log in with", Subcommands: []*cli.Command{
			cmdline.APICommand("add", "add an authkey and print its secret", "", addAuthkey,
				append(authkeyFlags(), &cli.StringFlag{Name: "ident", Aliases: []string{"i"},
					Usage: "`IDENT`; without it one is made"}, secretFile)...),
			ls,
			cmdline.APICommand("show", "show an authkey", "IDENT", showAuthkey,
				&cli.BoolFlag{Name: "reveal", Usage: "show the secret instead"}),
			cmdline.APICommand("edit", "change an authkey: --pub and --sub add, --network replaces", "IDENT", editAuthkey,
				append(authkeyFlags(),
					&cli.StringSliceFlag{Name: "remove-pub", Usage: "may no longer publish on `PATTERN`"},
					&cli.StringSliceFlag{Name: "remove-sub", Usage: "may no longer subscribe to `PATTERN`"})...),
			cmdline.APICommand("rotate", "give an authkey a new secret and print it", "IDENT",
				func(c *cli.Context, server *api.Client) error {
					return onAuthkey(c, func(key api.IdentPath) error {
						plain, err := cmdline.ReadSecret(c.String("secret-file"))
						if err != nil {
							return err
						}
						in := api.AuthkeyRotate{IdentPath: key, Body: api.SecretChange{Secret: api.NewSecret(plain)}}
						out, err := api.RotateAuthkey.Call(c.Context, server, in)
						if err != nil {
							return err
						}
						return showCredential(c, out)
					})
				}, secretFile),
			cmdline.APICommand("enable", "enable an authkey", "IDENT", enabled(true)),
			cmdline.APICommand("disable", "disable an authkey: its connections end", "IDENT", enabled(false)),
			cmdline.APICommand("rm", "remove an authkey: its connections end", "IDENT",
				func(c *cli.Context, server *api.Client) error {
					return onAuthkey(c, func(key api.IdentPath) error {
						_, err := api.RemoveAuthkey.Call(c.Context, server, key)
						return err
					})
				}),
		},
	}
}

func showCredential(c *cli.Context, k api.Credential) error {
	return cmdline.Show(c, k, func(w io.Writer) {
		fmt.Fprintf(w, "ident   %s\nsecret  %s\n", term.Visible(k.Ident), term.Visible(k.Secret))
	})
}

func onAuthkey(c *cli.Context, do func(key api.IdentPath) error) error {
	args, err := cmdline.Args(c, "IDENT")
	if err != nil {
		return err
	}
	return do(api.IdentPath{Ident: args[0]})
}

// authkeyChanges are what the flags say of an authkey that is added or changed, but for its channels.
func authkeyChanges(c *cli.Context) (in api.AuthkeyChanges, err error) {
	if c.IsSet("comment") {
		in.Comment = new(c.String("comment"))
	}
	if c.IsSet("max-message") {
		in.MaxMessage = new(c.Int("max-message"))
	}
	if c.IsSet("expires") {
		t, err := timespec.Future(c.String("expires"), time.Now())
		if err != nil {
			return in, cmdline.Usage("--expires: %v", err)
		}
		in.Expires = &t
	}
	if c.IsSet("network") {
		networks := []netip.Prefix{}
		for _, text := range c.StringSlice("network") {
			n, err := netip.ParsePrefix(text)
			if err != nil {
				return in, cmdline.Usage("--network %s: want a CIDR like 192.0.2.0/24", text)
			}
			networks = append(networks, n)
		}
		in.Networks = &networks
	}
	return in, nil
}

// patterns are the channels that a flag names.
func patterns(c *cli.Context, flag string) (all []graph.Pattern) {
	for _, p := range c.StringSlice(flag) {
		all = append(all, graph.Pattern(p))
	}
	return all
}

func addAuthkey(c *cli.Context, server *api.Client) error {
	if _, err := cmdline.Args(c); err != nil {
		return err
	}
	flags, err := authkeyChanges(c)
	if err != nil {
		return err
	}
	plain, err := cmdline.ReadSecret(c.String("secret-file"))
	if err != nil {
		return err
	}
	in := api.NewAuthkey{
		Ident: c.String("ident"), Secret: api.NewSecret(plain), Comment: c.String("comment"), Expires: flags.Expires,
		Pub: patterns(c, "pub"), Sub: patterns(c, "sub"), MaxMessage: c.Int("max-message"),
	}
	if flags.Networks != nil {
		in.Networks = *flags.Networks
	}
	out, err := api.AddAuthkey.Call(c.Context, server, api.With[api.NewAuthkey]{Body: in})
	if err != nil {
		return err
	}
	return showCredential(c, out)
}

func editAuthkey(c *cli.Context, server *api.Client) error {
	in, err := authkeyChanges(c)
	if err != nil {
		return err
	}
	in.AddPub, in.RemovePub = patterns(c, "pub"), patterns(c, "remove-pub")
	in.AddSub, in.RemoveSub = patterns(c, "sub"), patterns(c, "remove-sub")
	if reflect.ValueOf(in).IsZero() {
		return cmdline.Usage("nothing to change: give a flag, see --help")
	}
	return patchAuthkey(c, server, in)
}

func patchAuthkey(c *cli.Context, server *api.Client, in api.AuthkeyChanges) error {
	return onAuthkey(c, func(key api.IdentPath) error {
		_, err := api.EditAuthkey.Call(c.Context, server, api.AuthkeyEdit{IdentPath: key, Body: in})
		return err
	})
}

func showAuthkey(c *cli.Context, server *api.Client) error {
	return onAuthkey(c, func(key api.IdentPath) error {
		if c.Bool("reveal") {
			out, err := api.RevealAuthkey.Call(c.Context, server, key)
			if err != nil {
				return err
			}
			return showCredential(c, out)
		}
		k, err := api.ShowAuthkey.Call(c.Context, server, key)
		if err != nil {
			return err
		}
		return cmdline.Show(c, k, func(w io.Writer) { listAuthkeys(w, []query.Authkey{k}) })
	})
}

func listAuthkeys(w io.Writer, all []query.Authkey) {
	var rows [][]string
	for _, k := range all {
		s := cmp.Or(k.Stats, new(query.Stats))
		rows = append(rows, []string{
			k.Ident, k.Owner, k.Comment, term.Joined(k.Pub), term.Joined(k.Sub), term.YesNo(k.Enabled),
			term.OptionalTime(k.Expires), fmt.Sprint(s.Published), fmt.Sprint(s.Received),
			fmt.Sprint(s.BytesReceived), fmt.Sprint(s.BytesSent), term.OptionalTime(s.LastSeen),
		})
	}
	term.Table(w, []string{"Identifier", "Owner", "Comment", "Pub", "Sub", "Enabled", "Expires", "published", "received",
		"bytes_received", "bytes_sent", "Last seen"}, rows)
}
