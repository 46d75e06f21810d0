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

// Session returns the command session: who is logged in.
func Session() *cli.Command {
	return &cli.Command{
		Name: "session", Usage: "login sessions of browsers", Subcommands: []*cli.Command{
			cmdline.APICommand("ls", "list login sessions", "", list(api.ListSessions, sessionsOf, listSessions),
				&cli.StringFlag{Name: "user", Usage: "those of `USER` only"}),
			cmdline.APICommand("rm", "end a login session", "ID", order(api.RemoveSession, sessionOf)),
			cmdline.APICommand("clear", "end all login sessions of a user", "USER", order(api.ClearSessions, userOf)),
		},
	}
}

func sessionsOf(c *cli.Context) (api.SessionsQuery, error) {
	return api.SessionsQuery{User: c.String("user")}, nil
}

func sessionOf(c *cli.Context) (api.TokenPath, error) {
	id, err := idOf(c, "a", "session")
	return api.TokenPath{ID: id}, err
}

func listSessions(w io.Writer, all []view.Session) {
	var rows [][]string
	for _, s := range all {
		rows = append(rows, []string{fmt.Sprint(s.ID), s.User, s.From, s.Agent, term.Time(s.Created), term.Time(s.Expires)})
	}
	term.Table(w, []string{"Id", "User", "From", "Browser", "Since", "Expires"}, rows)
}
