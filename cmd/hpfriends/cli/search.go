package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"hpfriends/api"
	"hpfriends/internal/cmdline"
	"hpfriends/internal/term"
	"hpfriends/query/view"
)

// Search returns the command search, which finds by words what the asker may see.
func Search() *cli.Command {
	var kinds []string
	for _, k := range view.Kinds {
		kinds = append(kinds, string(k))
	}
	cmd := cmdline.APICommand("search",
		"find what you may see by words: channels, logs, groups, users, shares and authkeys",
		"WORD...", search,
		&cli.StringSliceFlag{Name: "kind", Usage: "only of `KIND`: " + strings.Join(kinds, ", ") + " (repeat for more)"},
		&cli.IntFlag{Name: "limit", Value: 20, Usage: "the best `N` of each kind"})
	cmd.Description = `All words occur in what is found. In one argument, "quotes" hold a phrase;
operators select by what it is about: channel: user: key: ip: group: since:
until:, as in  hpfriends search ip:192.0.2.7 since:2h`
	return cmd
}

func search(c *cli.Context, server *api.Client) error {
	limit, err := cmdline.Limit(c)
	if err != nil {
		return err
	}
	in := api.SearchQuery{Text: strings.Join(c.Args().Slice(), " "), Kinds: c.StringSlice("kind"), Limit: limit}
	r, err := api.Search.Call(c.Context, server, in)
	if err != nil {
		return err
	}
	return cmdline.Show(c, r, func(w io.Writer) { listHits(w, r) })
}

func listHits(w io.Writer, r view.SearchResult) {
	var rows [][]string
	for _, h := range r.Hits {
		name, detail := describe(h)
		rows = append(rows, []string{string(h.Kind), name, detail})
	}
	if len(rows) == 0 {
		fmt.Fprintln(w, "Nothing that you may see matches.")
		return
	}
	term.Table(w, []string{"Kind", "Name", "Details"}, rows)
	for _, k := range r.More {
		fmt.Fprintf(w, "There are more of kind %s: use --limit.\n", k)
	}
}

// describe is a hit in a line: what one calls it in other commands, and what else there is.
func describe(h view.Hit) (name, detail string) {
	switch {
	case h.Channel != nil:
		if h.Channel.Position == "" {
			return channelName(*h.Channel), "no message yet"
		}
		return channelName(*h.Channel), "last message " + term.Time(h.Channel.Last) + "  " + h.Channel.Position
	case h.Log != nil:
		return h.Log.Identifier, strings.Join([]string{term.Time(h.Log.Time), h.Log.Message, h.Log.Channel, h.Log.Address,
			fmt.Sprintf("x%d", h.Log.Count)}, "  ")
	case h.Group != nil:
		return h.Group.Name, fmt.Sprintf("%d members shown", len(h.Group.Members))
	case h.User != nil:
		return h.User.Handle, h.User.Name
	case h.Share != nil:
		return fmt.Sprintf("#%d", h.Share.ID), fmt.Sprintf("%s to %s: %s  %s", h.Share.From, h.Share.To,
			h.Share.Channel, h.Share.Note)
	case h.Authkey != nil:
		return h.Authkey.Ident, h.Authkey.Comment
	}
	return "", ""
}
