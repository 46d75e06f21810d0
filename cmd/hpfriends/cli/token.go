package cli

import (
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"hpfriends/api"
	"hpfriends/graph/scope"
	"hpfriends/internal/cmdline"
	"hpfriends/internal/term"
	"hpfriends/query/view"
)

// Token returns the command token: API tokens.
func Token() *cli.Command {
	return &cli.Command{
		Name: "token", Usage: "API tokens", Subcommands: []*cli.Command{
			cmdline.APICommand("add", "add a token and print it, this once", "", addToken,
				&cli.StringFlag{Name: "comment", Usage: "`TEXT`: what it is for"},
				&cli.StringSliceFlag{Name: "scope", Usage: "`SCOPE`: read (if none is given), publish, manage or admin; may be repeated"},
				&cli.StringFlag{Name: "channel", Usage: "only for what is about channels of `PATTERN`"},
				&cli.StringFlag{Name: "authkey", Usage: "only for what is about the authkey `IDENT`"},
				cmdline.TimeFlag("expires", "`TIME` from which on it is no longer valid; without it in 90 days"),
				&cli.BoolFlag{Name: "no-expiry", Usage: "valid until it is removed; only admins add such a token"},
				&cli.StringFlag{Name: "owner", Usage: "for `USER`, by an admin; without it for yourself"},
				&cli.StringFlag{Name: "user", Usage: "with --server, for the first token: log in as `USER`"},
				&cli.StringFlag{Name: "password-file", Usage: "`FILE` with the password, - for standard input"}),
			cmdline.APICommand("ls", "list your tokens", "", list(api.ListTokens, wholeList, listTokens)),
			cmdline.APICommand("rm", "remove a token", "ID", order(api.RemoveToken, tokenOf)),
		},
	}
}

func tokenOf(c *cli.Context) (api.TokenPath, error) {
	id, err := idOf(c, "a", "token")
	return api.TokenPath{ID: id}, err
}

func addToken(c *cli.Context, server *api.Client) error {
	in := api.NewToken{
		Comment: c.String("comment"), Owner: c.String("owner"), Endless: c.Bool("no-expiry"), Channel: c.String("channel"),
		Authkey: c.String("authkey"),
	}
	for _, s := range c.StringSlice("scope") {
		in.Scopes = append(in.Scopes, scope.Scope(s))
	}
	if in.Endless && c.IsSet("expires") {
		return cmdline.Usage("--expires and --no-expiry contradict each other")
	}
	if c.IsSet("expires") {
		in.Expires = new(cmdline.Future(c, "expires"))
	}
	out, err := api.AddToken.Call(c.Context, server, api.With[api.NewToken]{Body: in})
	if err != nil {
		return err
	}
	return cmdline.Show(c, out, func(w io.Writer) { fmt.Fprintln(w, out.Token) })
}

func listTokens(w io.Writer, all []view.Token) {
	var rows [][]string
	for _, t := range all {
		ends := term.OptionalTime(t.Expires)
		switch {
		case t.Expires == nil:
			ends = "never"
		case t.EndsSoon:
			ends += " (soon)"
		}
		rows = append(rows, []string{
			fmt.Sprint(t.ID), t.Owner, t.Comment, t.Grant().String(), term.Time(t.Created), ends,
		})
	}
	term.Table(w, []string{"Id", "Owner", "Comment", "For", "Since", "Expires"}, rows)
}
