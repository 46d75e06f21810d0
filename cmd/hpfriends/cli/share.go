package cli

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"hpfriends/api"
	"hpfriends/graph"
	"hpfriends/internal/cmdline"
	"hpfriends/internal/term"
	"hpfriends/query/view"
)

// Share returns the command share: who receives which channels.
func Share() *cli.Command {
	return &cli.Command{
		Name: "share", Usage: "who receives which of your channels", Subcommands: []*cli.Command{
			cmdline.APICommand("add", "share a channel and print the share's id", "CHANNEL", addShare,
				&cli.StringFlag{Name: "to", Required: true, Usage: "share with `USER` or group:NAME"},
				&cli.StringFlag{Name: "type", Value: "own", Usage: "`TYPE`: own (only your own events) or all (also what you receive)"},
				&cli.StringFlag{Name: "history", Value: "from-share", Usage: "`RIGHT`: from-share or full (also what was published before)"},
				&cli.StringFlag{Name: "note", Usage: "`TEXT` for the receiver"},
				cmdline.TimeFlag("expires", "`TIME` at which it ends"),
				&cli.BoolFlag{Name: "dry-run", Usage: "share nothing: say whom it would reach, and with what"}),
			cmdline.APICommand("ls", "list shares: those with you, what waits for you first, then those you made", "",
				listShareCommand, &cli.BoolFlag{Name: "in", Usage: "only shares with you"},
				&cli.BoolFlag{Name: "out", Usage: "only shares you made"},
				&cli.StringFlag{Name: "match", Usage: "in whose channel, note, owner or receiver all words of `TEXT` occur"},
				&cli.StringFlag{Name: "type", Usage: "of `TYPE`: own or all"},
				&cli.StringFlag{Name: "from", Usage: "of `USER`"},
				&cli.StringFlag{Name: "to", Usage: "with `USER` or group:NAME"},
				&cli.StringFlag{Name: "state", Usage: "in `STATE`: waiting, enabled or disabled"}),
			cmdline.APICommand("show", "show a share", "ID", show(api.ShowShare, shareOf, one(listShares))),
			cmdline.APICommand("accept", "enable shares with you: what they share then reaches you", "[ID...]", acceptShares,
				&cli.StringFlag{Name: "from", Usage: "all of `USER` on which you have not decided"},
				&cli.StringFlag{Name: "via", Usage: "all that come by `GROUP` on which you have not decided"},
				&cli.StringFlag{Name: "authkey", Usage: "also let the authkey `IDENT` subscribe to it"}),
			cmdline.APICommand("disable", "disable a share with you", "ID", order(api.DisableShare, shareOf)),
			cmdline.APICommand("edit", "change the note of a share you made, and when it ends", "ID",
				order(api.EditShare, shareEditOf),
				&cli.StringFlag{Name: "note", Usage: "`TEXT` for the receiver"},
				cmdline.TimeFlag("expires", "`TIME` at which it ends"),
				&cli.BoolFlag{Name: "no-expiry", Usage: "it does not end by itself"}),
			cmdline.APICommand("rm", "remove a share you made", "ID", order(api.RemoveShare, shareOf)),
		},
	}
}

func shareOf(c *cli.Context) (api.SharePath, error) { return shareNamed(c.Args().First()) }

func shareNamed(text string) (api.SharePath, error) {
	id, err := strconv.ParseUint(strings.TrimPrefix(text, "#"), 10, 64)
	if err != nil {
		return api.SharePath{}, cmdline.Usage("%q is not the id of a share: list them with `hpfriends share ls`", text)
	}
	return api.SharePath{ID: id}, nil
}

func acceptShares(c *cli.Context, server *api.Client) error {
	ids, err := sharesToAccept(c, server)
	if err != nil {
		return err
	}
	var channels []graph.Pattern
	for _, id := range ids {
		if _, err := api.AcceptShare.Call(c.Context, server, id); err != nil {
			return err
		}
		if c.IsSet("authkey") {
			s, err := api.ShowShare.Call(c.Context, server, id)
			if err != nil {
				return err
			}
			channels = append(channels, s.Channel)
		}
	}
	if !c.IsSet("authkey") {
		return nil
	}
	_, err = api.EditAuthkey.Call(c.Context, server, api.AuthkeyEdit{
		IdentPath: api.IdentPath{Ident: c.String("authkey")}, Body: api.AuthkeyChanges{AddSub: channels},
	})
	return err
}

// sharesToAccept are those that are named, or those of a user or a group that wait for a decision.
func sharesToAccept(c *cli.Context, server *api.Client) (ids []api.SharePath, err error) {
	for _, text := range c.Args().Slice() {
		id, err := shareNamed(text)
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	from, via := c.String("from"), c.String("via")
	switch {
	case len(ids) > 0 && (from != "" || via != ""):
		return nil, cmdline.Usage("name shares, or give --from or --via: not both")
	case len(ids) > 0:
		return ids, nil
	case from == "" && via == "":
		return nil, cmdline.Usage("which shares? Give their ids, or --from USER, or --via GROUP")
	}
	in := api.SharesQuery{In: true, Owner: from, State: string(view.Waiting)}
	if via != "" {
		in.Receiver = "group:" + via
	}
	waiting, err := api.ListShares.All(c.Context, server, in)
	for _, s := range waiting {
		if !s.Expired {
			ids = append(ids, api.SharePath{ID: uint64(s.ID)})
		}
	}
	if len(ids) == 0 && err == nil {
		return nil, cmdline.Fail(cmdline.ExitNotFound, "no such share waits for you: see `hpfriends share ls --in`")
	}
	return ids, err
}

func shareEditOf(c *cli.Context) (in api.ShareEdit, err error) {
	if in.SharePath, err = shareOf(c); err != nil {
		return in, err
	}
	if c.IsSet("note") {
		in.Body.Note = new(c.String("note"))
	}
	switch {
	case c.IsSet("expires") && c.Bool("no-expiry"):
		return in, cmdline.Usage("--expires or --no-expiry, not both")
	case c.IsSet("expires"):
		in.Body.Expires = new(cmdline.Future(c, "expires"))
	case c.Bool("no-expiry"):
		in.Body.Expires = new(time.Time)
	}
	if in.Body == (api.ShareChanges{}) {
		return in, cmdline.Usage("nothing to change: give --note, --expires or --no-expiry")
	}
	return in, nil
}

func addShare(c *cli.Context, server *api.Client) error {
	if c.Bool("dry-run") {
		return previewShare(c, server)
	}
	in := api.NewShare{
		Channel: graph.Pattern(c.Args().First()), To: c.String("to"), Type: graph.ShareType(c.String("type")),
		History: graph.History(c.String("history")), Note: c.String("note"),
	}
	if c.IsSet("expires") {
		in.Expires = new(cmdline.Future(c, "expires"))
	}
	out, err := api.AddShare.Call(c.Context, server, api.With[api.NewShare]{Body: in})
	if err != nil {
		return err
	}
	return cmdline.ShowMade(c, out, out.ID,
		fmt.Sprintf("%s is shared with %s: %s, %s. Share %d delivers nothing until who receives it enables it: "+
			"hpfriends share accept %d", in.Channel, in.To, strings.ToLower(shareTypes[in.Type]), histories[in.History],
			out.ID, out.ID))
}

func listShareCommand(c *cli.Context, server *api.Client) error {
	in, out := c.Bool("in"), c.Bool("out")
	somebody := c.String("as") != "" || c.String("server") != "" // the operator has no shares
	switch {
	case in && out:
		return cmdline.Usage("--in or --out, not both")
	case in && !somebody:
		return cmdline.Usage("say whose: --as USER")
	}
	all := []view.Share{}
	query := api.SharesQuery{
		Text: c.String("match"), Type: c.String("type"), Receiver: c.String("to"), State: c.String("state"),
		Owner: c.String("from"), Delivered: true,
	}
	if !out && somebody {
		query.In = true
		with, err := api.ListShares.All(c.Context, server, query)
		if err != nil {
			return err
		}
		slices.SortStableFunc(with, func(a, b view.Share) int { return cmp.Compare(urgency(a), urgency(b)) })
		all = append(all, with...)
	}
	if !in {
		query.In = false
		made, err := api.ListShares.All(c.Context, server, query)
		if err != nil {
			return err
		}
		all = append(all, made...)
	}
	return cmdline.Show(c, all, func(w io.Writer) {
		listShares(w, all)
		if term.IsTerminal(w) && len(all) > 0 && urgency(all[0]) == waits {
			fmt.Fprintln(w, "\nWhat is waiting delivers nothing until you enable it: hpfriends share accept ID")
		}
	})
}

// How urgent a share is to its receiver.
const (
	waits = iota
	decided
	over
)

func urgency(s view.Share) int {
	switch {
	case s.Expired:
		return over
	case s.Decision == view.Waiting:
		return waits
	}
	return decided
}

var shareTypes = map[graph.ShareType]string{"own": "Only own events", "all": "Also received events"}

var histories = map[graph.History]string{"from-share": "from now on", "full": "with all of its history"}

func listShares(w io.Writer, all []view.Share) {
	var rows [][]string
	for _, s := range all {
		state := ""
		switch {
		case s.Expired:
			state = "expired"
		case s.Decision != "":
			state = string(s.Decision)
		case len(s.EnabledBy) > 0:
			state = "enabled by " + strings.Join(s.EnabledBy, " ")
			if s.More {
				state += " and others"
			}
		default:
			state = "not enabled yet"
		}
		rows = append(rows, []string{fmt.Sprint(s.ID), s.From, string(s.Channel), shareTypes[s.Type],
			s.To, string(s.History), delivered(s), state})
	}
	term.Table(w, []string{"Id", "User", "Channel", "Type", "Receiver", "History", "Last day", "State"}, rows)
}

// delivered is what a share has passed on in the last day, if that was asked for.
func delivered(s view.Share) string {
	if s.Delivered == nil {
		return ""
	}
	text := fmt.Sprint(s.Delivered.Messages)
	if s.Delivered.AtLeast {
		text += "+"
	}
	return text
}
