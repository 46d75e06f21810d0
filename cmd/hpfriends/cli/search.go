package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"hpfriends/api"
	"hpfriends/internal/cmdline"
	"hpfriends/internal/term"
	"hpfriends/query/indicator"
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
until:, as in  hpfriends search ip:192.0.2.7 since:2h
An IP address, or the hash of a file, is also looked for in messages.`
	return cmd
}

func search(c *cli.Context, server *api.Client) error {
	limit, err := cmdline.Limit(c)
	if err != nil {
		return err
	}
	in := api.SearchQuery{Text: strings.Join(c.Args().Slice(), " "), Kinds: c.StringSlice("kind"), Limit: limit}
	var r found
	if r.SearchResult, err = api.Search.Call(c.Context, server, in); err != nil {
		return err
	}
	if _, ok := indicator.Parse(in.Text); ok && len(in.Kinds) == 0 {
		seen, err := api.Sightings.Call(c.Context, server, api.SightingsQuery{Indicator: in.Text})
		if err != nil {
			return err
		}
		r.Seen = &seen
	}
	return cmdline.Show(c, r, func(w io.Writer) {
		if r.Seen != nil {
			fmt.Fprintln(w, sighted(*r.Seen))
		}
		listHits(w, r.SearchResult)
	})
}

// found is what a search shows.
type found struct {
	view.SearchResult
	Seen *view.Sightings `json:"seen,omitempty"` // of an indicator
}

// sighted is a sentence.
func sighted(s view.Sightings) string {
	among := fmt.Sprintf("the newest %d messages that you may see", s.Looked)
	if s.All {
		among = fmt.Sprintf("all %d messages that you may see", s.Looked)
	}
	if s.Messages == 0 {
		return "Not seen in " + among + "."
	}
	return fmt.Sprintf("Seen %d times on %d channels in %s: first %s, last %s at %s.",
		s.Messages, s.Channels, among, term.Time(*s.First), term.Time(*s.Last), s.Position)
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
