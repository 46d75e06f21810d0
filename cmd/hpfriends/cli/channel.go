package cli

import (
	"cmp"
	"fmt"
	"io"
	"time"

	"github.com/urfave/cli/v2"

	"hpfriends/api"
	"hpfriends/internal/cmdline"
	"hpfriends/internal/term"
	"hpfriends/query"
	"hpfriends/query/view"
)

// Channel returns the command channel, with history, which reads messages, among those below it.
func Channel(history *cli.Command) *cli.Command {
	return &cli.Command{
		Name: "channel", Usage: "channels with messages that you may see", Subcommands: []*cli.Command{
			cmdline.APICommand("ls", "list the channels with a message that you may see", "[PREFIX]",
				list(api.ListChannels, func(c *cli.Context) (api.ChannelsQuery, error) {
					return api.ChannelsQuery{Prefix: c.Args().First()}, nil
				}, listChannels)),
			history,
			cmdline.APICommand("show", "show who published how much on a channel", "CHANNEL",
				show(api.ShowChannel, func(c *cli.Context) (api.ChannelQuery, error) {
					return api.ChannelQuery{Name: c.Args().First()}, nil
				}, showChannel)),
			cmdline.APICommand("histogram", "count the messages on channels over time", "CHANNEL", show(api.CountTimeline,
				func(c *cli.Context) (api.TimelineQuery, error) { return timelineOf(c, c.Args().First()) }, printTimeline),
				timelineFlags()...),
			cmdline.APICommand("rates", "count the messages of each channel over time", "[PATTERN]", show(api.ChannelRates,
				func(c *cli.Context) (in api.RatesQuery, err error) {
					in.TimelineQuery, err = timelineOf(c, cmp.Or(c.Args().First(), "*"))
					return in, err
				}, printRates),
				timelineFlags()...),
			cmdline.APICommand("top", "list the channels with the most traffic", "", topChannels,
				&cli.StringFlag{Name: "by", Value: string(query.TopMessages), Usage: "most of `WHAT`: messages or bytes"},
				cmdline.TimeFlag("since", "traffic since `TIME` (default: all that is kept)"),
				&cli.IntFlag{Name: "limit", Value: 20, Usage: "the first `N` channels"}),
		},
	}
}

func listChannels(w io.Writer, all []view.Channel) {
	var rows [][]string
	for _, v := range all {
		rows = append(rows, []string{channelName(v), term.Time(v.Last), v.Position})
	}
	term.Table(w, []string{"Channel", "Last message", "Position"}, rows)
}

// channelName is the name as it is on the wire.
func channelName(v view.Channel) string {
	if v.Raw != nil {
		return string(v.Raw)
	}
	return v.Name
}

func showChannel(w io.Writer, d view.ChannelDetail) {
	fmt.Fprintf(w, "channel   %s\nmessages  %d\nbytes     %d\nrate      %s\nfirst     %s  %s\nlast      %s  %s\n\n",
		term.Visible(channelName(d.Channel)), d.Messages, d.Bytes,
		perSecond(d.Rate), term.Time(d.First), d.FirstPosition, term.Time(d.Last), d.Position)
	var rows [][]string
	for _, o := range d.Origins {
		user := o.User
		if user == "" {
			user = "(removed)"
		}
		rows = append(rows, []string{user, fmt.Sprint(o.Messages), fmt.Sprint(o.Bytes), perSecond(o.Rate),
			term.Time(o.First), term.Time(o.Last), o.Position})
	}
	term.Table(w, []string{"Origin", "Messages", "Bytes", "Rate", "First message", "Last message", "Position"}, rows)
}

func topChannels(c *cli.Context, server *api.Client) error {
	limit, err := cmdline.Limit(c)
	if err != nil {
		return err
	}
	in := api.TopQuery{By: c.String("by"), Limit: limit}
	if c.IsSet("since") {
		now := time.Now()
		t := cmdline.Past(c, "since")
		if err := cmdline.Period(t, time.Time{}); err != nil {
			return err
		}
		// The API takes whole seconds; a part of one counts as one.
		in.Window = fmt.Sprintf("%ds", max((now.Sub(t)+time.Second-1)/time.Second, 1))
	}
	all, err := api.TopChannels.Call(c.Context, server, in)
	if err != nil {
		return err
	}
	return cmdline.Show(c, all, func(w io.Writer) {
		var rows [][]string
		for _, v := range all {
			rows = append(rows, []string{channelName(v.Channel), fmt.Sprint(v.Messages), fmt.Sprint(v.Bytes), perSecond(v.Rate),
				fmt.Sprint(v.Origins), term.Time(v.Last)})
		}
		term.Table(w, []string{"Channel", "Messages", "Bytes", "Rate", "Origins", "Last message"}, rows)
	})
}

func perSecond(rate float64) string { return fmt.Sprintf("%.3g/s", rate) }
