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
	"hpfriends/query/view"
)

func authkeyFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringSliceFlag{Name: "pub", Usage: "may publish on `PATTERN`: a channel, or a prefix followed by * (repeat " +
			"for more)"},
		&cli.StringSliceFlag{Name: "sub", Usage: "may subscribe to `PATTERN` (repeat for more)"},
		&cli.StringFlag{Name: "comment", Usage: "`TEXT`: what it is for"},
		cmdline.TimeFlag("expires", "`TIME` from which on it is no longer valid"),
		&cli.StringSliceFlag{Name: "network", Usage: "may log in from `CIDR` only, like 192.0.2.0/24 (repeat for more)"},
		cmdline.SizeFlag("max-message", "", "largest frame it is sent, a `SIZE` like 10MiB; 0: the broker's default"),
	}
}

// Authkey returns the command authkey: what sensors and tools log in with.
func Authkey() *cli.Command {
	secretFile := &cli.StringFlag{Name: "secret-file",
		Usage: "`FILE` with the secret, - for standard input; without it one is made"}
	weak := &cli.BoolFlag{Name: "weak-secret",
		Usage: "take a secret that is guessed first, of software that cannot change it"}
	return &cli.Command{
		Name: "authkey", Usage: "what sensors and tools log in with", Subcommands: []*cli.Command{
			cmdline.APICommand("add", "add an authkey and print its secret", "", addAuthkey,
				append(authkeyFlags(), &cli.StringFlag{Name: "ident", Aliases: []string{"i"},
					Usage: "`IDENT` to log in with; without it one is made"}, secretFile, weak)...),
			cmdline.APICommand("ls", "list authkeys with their statistics", "",
				list(api.ListAuthkeys, func(c *cli.Context) (api.AuthkeysQuery, error) {
					return api.AuthkeysQuery{Owner: c.String("as"), Text: c.String("match"), State: c.String("state")}, nil
				}, listAuthkeys),
				&cli.StringFlag{Name: "match", Usage: "in whose ident, comment, owner or patterns all words of `TEXT` occur"},
				&cli.StringFlag{Name: "state", Usage: "in `STATE`: enabled, disabled, expired or unused"}),
			cmdline.APICommand("show", "show an authkey", "IDENT", showAuthkey,
				&cli.BoolFlag{Name: "reveal", Usage: "show the secret instead"}),
			cmdline.APICommand("edit", "change an authkey: --pub and --sub add, --network replaces", "IDENT",
				order(api.EditAuthkey, authkeyEditOf), append(authkeyFlags(),
					&cli.StringSliceFlag{Name: "remove-pub", Usage: "may no longer publish on `PATTERN` (repeat for more)"},
					&cli.StringSliceFlag{Name: "remove-sub", Usage: "may no longer subscribe to `PATTERN` (repeat for more)"})...),
			cmdline.APICommand("rotate", "give an authkey a new secret and print it", "IDENT", rotateAuthkey, secretFile, weak,
				cmdline.DurationFlag("overlap", 0, "the old secret is good for `DURATION`, too")),
			cmdline.APICommand("enable", "enable an authkey", "IDENT", order(api.EditAuthkey, authkeyEnabled(true))),
			cmdline.APICommand("disable", "disable an authkey: its connections end", "IDENT",
				order(api.EditAuthkey, authkeyEnabled(false))),
			cmdline.APICommand("rm", "remove an authkey: its connections end", "IDENT", order(api.RemoveAuthkey, authkeyOf)),
		},
	}
}

func showCredential(c *cli.Context, k api.Credential) error {
	return cmdline.Show(c, k, func(w io.Writer) {
		fmt.Fprintf(w, "ident   %s\nsecret  %s\n", term.Visible(k.Ident), term.Visible(k.Secret))
	})
}

func authkeyOf(c *cli.Context) (api.IdentPath, error) {
	return api.IdentPath{Ident: c.Args().First()}, nil
}

func authkeyEnabled(on bool) func(*cli.Context) (api.AuthkeyEdit, error) {
	return func(c *cli.Context) (api.AuthkeyEdit, error) {
		key, err := authkeyOf(c)
		return api.AuthkeyEdit{IdentPath: key, Body: api.AuthkeyChanges{Enabled: &on}}, err
	}
}

func rotateAuthkey(c *cli.Context, server *api.Client) error {
	plain, err := cmdline.ReadSecret(c.String("secret-file"))
	if err != nil {
		return err
	}
	var in api.AuthkeyRotate
	in.Ident, in.Body.Secret, in.Body.Weak = c.Args().First(), api.NewSecret(plain), c.Bool("weak-secret")
	if overlap := cmdline.Duration(c, "overlap"); overlap > 0 {
		in.Body.Overlap = fmt.Sprintf("%ds", (overlap+time.Second-1)/time.Second)
	}
	out, err := api.RotateAuthkey.Call(c.Context, server, in)
	if err != nil {
		return err
	}
	return showCredential(c, out)
}

// authkeyChanges are what the flags say of an authkey that is added or changed, but for its channels.
func authkeyChanges(c *cli.Context) (in api.AuthkeyChanges, err error) {
	if c.IsSet("comment") {
		in.Comment = new(c.String("comment"))
	}
	if c.IsSet("max-message") {
		in.MaxMessage = new(int(cmdline.Size(c, "max-message")))
	}
	if c.IsSet("expires") {
		in.Expires = new(cmdline.Future(c, "expires"))
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
		Pub: patterns(c, "pub"), Sub: patterns(c, "sub"), MaxMessage: int(cmdline.Size(c, "max-message")),
		Weak: c.Bool("weak-secret"),
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

func authkeyEditOf(c *cli.Context) (api.AuthkeyEdit, error) {
	key, _ := authkeyOf(c)
	in, err := authkeyChanges(c)
	in.AddPub, in.RemovePub = patterns(c, "pub"), patterns(c, "remove-pub")
	in.AddSub, in.RemoveSub = patterns(c, "sub"), patterns(c, "remove-sub")
	if err == nil && reflect.ValueOf(in).IsZero() {
		err = cmdline.Usage("nothing to change: give a flag, see --help")
	}
	return api.AuthkeyEdit{IdentPath: key, Body: in}, err
}

func showAuthkey(c *cli.Context, server *api.Client) error {
	if !c.Bool("reveal") {
		return show(api.ShowAuthkey, authkeyOf, printAuthkey)(c, server)
	}
	key, _ := authkeyOf(c)
	out, err := api.RevealAuthkey.Call(c.Context, server, key)
	if err != nil {
		return err
	}
	return showCredential(c, out)
}

func printAuthkey(w io.Writer, k view.Authkey) {
	listAuthkeys(w, []view.Authkey{k})
	if k.OldUntil == nil {
		return
	}
	used := "nobody has used it"
	if k.Stats != nil && k.Stats.OldSecretSeen != nil {
		used = "still used at " + term.Time(*k.Stats.OldSecretSeen)
	}
	fmt.Fprintf(w, "\nThe old secret is good until %s: %s.\n", term.Time(*k.OldUntil), used)
}

func listAuthkeys(w io.Writer, all []view.Authkey) {
	var rows [][]string
	for _, k := range all {
		s := cmp.Or(k.Stats, new(view.Stats))
		rows = append(rows, []string{
			k.Ident, k.Owner, k.Comment, term.Joined(k.Pub), term.Joined(k.Sub), term.YesNo(k.Enabled),
			term.OptionalTime(k.Expires), fmt.Sprint(s.Published), fmt.Sprint(s.Received),
			fmt.Sprint(s.BytesReceived), fmt.Sprint(s.BytesSent), term.OptionalTime(s.LastSeen),
		})
	}
	term.Table(w, []string{"Identifier", "Owner", "Comment", "Pub", "Sub", "Enabled", "Expires", "published", "received",
		"bytes_received", "bytes_sent", "Last seen"}, rows)
}
