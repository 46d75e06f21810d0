package feed

import (
	"fmt"
	"slices"

	"github.com/urfave/cli/v2"

	"hpfriends/api"
	"hpfriends/internal/cmdline"
	"hpfriends/internal/ndjson"
	"hpfriends/internal/term"
)

// maxHistory bounds what `channel history` keeps until it prints it in order.
const maxHistory = 10000

// ChannelHistory returns the command history, which stands below channel.
func ChannelHistory() *cli.Command {
	cmd := cmdline.APICommand("history", "print the newest messages of a channel, oldest first", "CHANNEL",
		func(c *cli.Context, server *api.Client) error {
			p, err := pastOf(c, c.Args().Slice())
			if err != nil {
				return err
			}
			if n := c.Int("limit"); n < 1 || n > maxHistory {
				return cmdline.Usage("--limit: want 1 to %d; for more see `hpfriends replay`", maxHistory)
			}
			p.text = c.String("containing")
			p.limit, p.newest = uint64(c.Int("limit")), true
			var lines [][]byte
			end, err := readMessages(c.Context, server, p, func(line []byte, r ndjson.Record) error {
				switch {
				case r.Gap != nil:
					tellGap(c.App.ErrWriter, r.Gap.From, r.Gap.To)
				case c.Bool("json"):
					lines = append(lines, line)
				default:
					lines = append(lines, pastLine(r.Message))
				}
				return nil
			})
			if err == nil && end.Messages == 0 {
				err = p.nothing(c.Context, server, c.App.ErrWriter)
			}
			if err != nil {
				return err
			}
			slices.Reverse(lines)
			for _, l := range lines {
				if _, err := c.App.Writer.Write(l); err != nil {
					return err
				}
			}
			if end.Messages == p.limit && !c.IsSet("limit") && term.IsTerminal(c.App.ErrWriter) {
				fmt.Fprintf(c.App.ErrWriter, "(the newest %d; there may be more: --limit N, or `hpfriends replay`)\n", p.limit)
			}
			return nil
		}, pastFlags(containingFlag(),
			&cli.IntFlag{Name: "limit", Value: 20, Usage: "the newest `N` messages"})...)
	cmd.Description = `CHANNEL may be a pattern. Each line is TIME POSITION CHANNEL ORIGIN IDENT
PAYLOAD with control characters made visible, or with --json an object. You
see what reaches you now: your own messages, and what is shared with you,
from where on the share's history right lets you.`
	return cmd
}

// pastLine is a past message as one line for people.
func pastLine(m *ndjson.Message) []byte {
	b := fmt.Appendf(nil, "%s %s ", term.Time(m.Time), term.Visible(m.Position))
	b = append(term.AppendWord(b, string(m.Channel)), ' ')
	b = append(term.AppendWord(b, m.Origin), ' ')
	b = append(term.AppendWord(b, string(m.Ident)), ' ')
	return append(term.AppendVisible(b, m.Payload, "\t"), '\n')
}
