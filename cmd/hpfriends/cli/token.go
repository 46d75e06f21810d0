package cli

import (
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"hpfriends/api"
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
				cmdline.TimeFlag("expires", "`TIME` from which on it is no longer valid"),
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
	in := api.NewToken{Comment: c.String("comment")}
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
		rows = append(rows, []string{fmt.Sprint(t.ID), t.Owner, t.Comment, term.Time(t.Created),
			term.OptionalTime(t.Expires)})
	}
	term.Table(w, []string{"Id", "Owner", "Comment", "Since", "Expires"}, rows)
}
