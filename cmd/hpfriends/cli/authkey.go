package cli

import (
	"cmp"
	"fmt"
	"io"
	"net/netip"
	"net/url"
	"time"

	"github.com/urfave/cli/v2"

	"hpfriends/internal/cmdline"
	"hpfriends/internal/term"
	"hpfriends/internal/timespec"
	"hpfriends/query"
)

// credential is what is shown of an authkey once, or to its owner on request.
type credential struct {
	ID     uint64 `json:"id"`
	Ident  string `json:"ident"`
	Secret string `json:"secret"`
}

func authkeyFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringSliceFlag{Name: "pub", Usage: "may publish on `PATTERN`: a channel, or a prefix followed by * (repeat for more)"},
		&cli.StringSliceFlag{Name: "sub", Usage: "may subscribe to `PATTERN` (repeat for more)"},
		&cli.StringFlag{Name: "comment", Usage: "what it is for"},
		&cli.StringFlag{Name: "expires", Usage: "`TIME` from which on it is no longer valid: " + timespec.Forms},
		&cli.StringSliceFlag{Name: "network", Usage: "may log in from `CIDR` only (repeat for more)"},
		&cli.IntFlag{Name: "max-message", Usage: "largest frame it is sent, in `BYTES`"},
	}
}

func Authkey() *cli.Command {
	ls := cmdline.APICommand("ls", "list authkeys with their statistics", "", func(c *cli.Context, api *cmdline.Client) error {
		all, err := cmdline.Pages[query.Authkey](c.Context, api, "/authkeys?owner="+url.QueryEscape(c.String("as")))
		if err != nil {
			return err
		}
		return cmdline.Show(c, all, func(w io.Writer) { listAuthkeys(w, all) })
	})
	ls.Aliases = []string{"list"}
	enabled := func(on bool) func(*cli.Context, *cmdline.Client) error {
		return func(c *cli.Context, api *cmdline.Client) error {
			return onAuthkey(c, func(path string) error {
				return api.Call(c.Context, "PATCH", path, map[string]any{"enabled": on}, nil)
			})
		}
	}
	secretFile := &cli.StringFlag{Name: "secret-file", Usage: "`FILE` with the secret, - for standard input; without it one is made"}
	return &cli.Command{
		Name: "authkey", Usage: "what sensors and tools log in with", Subcommands: []*cli.Command{
			cmdline.APICommand("add", "add an authkey and print its secret", "", addAuthkey,
				append(authkeyFlags(), &cli.StringFlag{Name: "ident", Aliases: []string{"i"}, Usage: "`IDENT`; without it one is made"}, secretFile)...),
			ls,
			cmdline.APICommand("show", "show an authkey", "IDENT", showAuthkey, &cli.BoolFlag{Name: "reveal", Usage: "show the secret instead"}),
			cmdline.APICommand("edit", "change an authkey: --pub and --sub add, --network replaces", "IDENT", editAuthkey,
				append(authkeyFlags(),
					&cli.StringSliceFlag{Name: "remove-pub", Usage: "may no longer publish on `PATTERN`"},
					&cli.StringSliceFlag{Name: "remove-sub", Usage: "may no longer subscribe to `PATTERN`"})...),
			cmdline.APICommand("rotate", "give an authkey a new secret and print it", "IDENT", func(c *cli.Context, api *cmdline.Client) error {
				return onAuthkey(c, func(path string) error {
					plain, err := cmdline.ReadSecret(c.String("secret-file"))
					if err != nil {
						return err
					}
					var out credential
					if err := api.Call(c.Context, "POST", path+"/rotate", map[string]any{"secret": plain}, &out); err != nil {
						return err
					}
					return cmdline.Show(c, out, out.print)
				})
			}, secretFile),
			cmdline.APICommand("enable", "enable an authkey", "IDENT", enabled(true)),
			cmdline.APICommand("disable", "disable an authkey: its connections end", "IDENT", enabled(false)),
			cmdline.APICommand("rm", "remove an authkey: its connections end", "IDENT", func(c *cli.Context, api *cmdline.Client) error {
				return onAuthkey(c, func(path string) error { return api.Call(c.Context, "DELETE", path, nil, nil) })
			}),
		},
	}
}

func (k credential) print(w io.Writer) {
	fmt.Fprintf(w, "ident   %s\nsecret  %s\n", term.Visible(k.Ident), term.Visible(k.Secret))
}

func onAuthkey(c *cli.Context, do func(path string) error) error {
	args, err := cmdline.Args(c, "IDENT")
	if err != nil {
		return err
	}
	return do("/authkeys/" + url.PathEscape(args[0]))
}

// authkeyChanges are the fields that the flags give.
func authkeyChanges(c *cli.Context) (map[string]any, error) {
	in := map[string]any{}
	for flag, field := range map[string]string{"pub": "pub", "sub": "sub"} {
		if c.IsSet(flag) {
			in[field] = c.StringSlice(flag)
		}
	}
	if c.IsSet("comment") {
		in["comment"] = c.String("comment")
	}
	if c.IsSet("max-message") {
		in["max_message"] = c.Int("max-message")
	}
	if c.IsSet("expires") {
		t, err := timespec.Future(c.String("expires"), time.Now())
		if err != nil {
			return nil, cmdline.Usage("--expires: %v", err)
		}
		in["expires"] = t
	}
	if c.IsSet("network") {
		for _, n := range c.StringSlice("network") {
			if _, err := netip.ParsePrefix(n); err != nil {
				return nil, cmdline.Usage("--network %s: want a CIDR like 192.0.2.0/24", n)
			}
		}
		in["networks"] = c.StringSlice("network")
	}
	return in, nil
}

func addAuthkey(c *cli.Context, api *cmdline.Client) error {
	if _, err := cmdline.Args(c); err != nil {
		return err
	}
	in, err := authkeyChanges(c)
	if err != nil {
		return err
	}
	plain, err := cmdline.ReadSecret(c.String("secret-file"))
	if err != nil {
		return err
	}
	in["ident"], in["secret"] = c.String("ident"), plain
	var out credential
	if err := api.Call(c.Context, "POST", "/authkeys", in, &out); err != nil {
		return err
	}
	return cmdline.Show(c, out, out.print)
}

func editAuthkey(c *cli.Context, api *cmdline.Client) error {
	in, err := authkeyChanges(c)
	if err != nil {
		return err
	}
	for flag, field := range map[string]string{"pub": "add_pub", "sub": "add_sub", "remove-pub": "remove_pub", "remove-sub": "remove_sub"} {
		delete(in, flag)
		if c.IsSet(flag) {
			in[field] = c.StringSlice(flag)
		}
	}
	if len(in) == 0 {
		return cmdline.Usage("nothing to change: give a flag, see --help")
	}
	return onAuthkey(c, func(path string) error { return api.Call(c.Context, "PATCH", path, in, nil) })
}

func showAuthkey(c *cli.Context, api *cmdline.Client) error {
	return onAuthkey(c, func(path string) error {
		if c.Bool("reveal") {
			var out credential
			if err := api.Call(c.Context, "GET", path+"/secret", nil, &out); err != nil {
				return err
			}
			return cmdline.Show(c, out, out.print)
		}
		var k query.Authkey
		if err := api.Call(c.Context, "GET", path, nil, &k); err != nil {
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
			k.Ident, k.Owner, k.Comment, term.Joined(k.Pub), term.Joined(k.Sub), term.YesNo(k.Enabled), term.OptionalTime(k.Expires), fmt.Sprint(s.Published), fmt.Sprint(s.Received),
			fmt.Sprint(s.BytesReceived), fmt.Sprint(s.BytesSent), term.OptionalTime(s.LastSeen),
		})
	}
	term.Table(w, []string{"Identifier", "Owner", "Comment", "Pub", "Sub", "Enabled", "Expires", "published", "received", "bytes_received", "bytes_sent", "Last seen"}, rows)
}
