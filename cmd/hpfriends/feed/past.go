package feed

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"hpfriends/api"
	"hpfriends/eventlog/entry"
	"hpfriends/graph"
	"hpfriends/internal/cmdline"
	"hpfriends/internal/ndjson"
	"hpfriends/internal/term"
	"hpfriends/internal/timespec"
	"hpfriends/query/view"
	"hpfriends/wire/subscription"
)

// past says which messages of the log a command wants, as the API takes it.
type past struct {
	channels []string
	subscription.Range
	limit  uint64
	newest bool
	text   string // that the payload contains
	resume bool   // go on with another request when an answer is cut off, as one is that is read slowly
	handed bool   // what is read is handed on, and where to go on depends on what of it has arrived
}

// pastFlags are those of commands that read the log.
func pastFlags(more ...cli.Flag) []cli.Flag {
	return append([]cli.Flag{
		rangeFlag("since", "messages since `TIME`: "+timespec.Forms),
		rangeFlag("from", "messages from `POSITION` on (#812.4), or first"),
		rangeFlag("until", "messages before `TIME` or POSITION"),
	}, more...)
}

func containingFlag() cli.Flag {
	return &cli.StringFlag{Name: "containing", Usage: "those with `TEXT` in their payload"}
}

func rangeFlag(name, usage string) cli.Flag {
	return cmdline.LiteralFlag(name, usage, func(s string) error {
		_, err := new(subscription.Range).Set(name, s, time.Now())
		return err
	})
}

// pastOf reads pastFlags.
func pastOf(c *cli.Context, channels []string) (p past, err error) {
	p.channels = channels
	for _, ch := range channels {
		if _, err := graph.ParsePattern(ch); err != nil {
			return p, cmdline.Usage("%v", err)
		}
	}
	now := time.Now()
	for _, name := range []string{"since", "from", "until"} {
		if text := c.String(name); text != "" {
			_, err := p.Set(name, text, now)
			if errors.Is(err, subscription.ErrTwoBeginnings) {
				return p, cmdline.Usage("--since and --from both say where to begin: want one of them")
			}
			if err != nil {
				return p, cmdline.Usage("--%s: %v", name, err)
			}
		}
	}
	if (p.From != entry.Position{}) && (p.End != entry.Position{}) && p.End.Compare(p.From) < 0 {
		return p, cmdline.Usage("--until %s is before --from %s", p.End, p.From)
	}
	return p, cmdline.Period(p.Since, p.Until)
}

// required refuses to read everything by mistake.
func (p past) required() error {
	if !p.Begins() {
		return cmdline.Usage("--since is required (or --from; --from first is all that there is)")
	}
	return nil
}

// query is what the API is asked for.
func (p past) query() api.MessageQuery {
	v := p.Values()
	return api.MessageQuery{
		Channel: p.channels, Since: v.Get("since"), From: v.Get("from"), Until: v.Get("until"), Limit: p.limit,
	}
}

func countMessages(ctx context.Context, server *api.Client, p past) (view.Count, error) {
	return api.CountMessages.Await(ctx, server, p.query())
}

// readMessages calls each with every message and gap, and its line, until its first error. It returns the last line.
func readMessages(
	ctx context.Context, server *api.Client, p past, each func(line []byte, r ndjson.Record) error,
) (end ndjson.End, err error) {
	in := api.MessagesQuery{MessageQuery: p.query(), Text: p.text}
	if p.newest {
		in.Order = "newest"
	}
	for total := uint64(0); ; {
		end, err = api.ReadMessages.Read(ctx, server, in, each)
		total += end.Messages
		end.Messages = total
		var cut *api.CutOff
		switch {
		case err == nil && !end.End:
			text := fmt.Sprintf("%s, after %d messages", end.Error, end.Messages)
			if !p.handed {
				text += fmt.Sprintf(": go on with --from '%s'", end.Next)
			}
			return end, cmdline.Fail(cmdline.ExitUnavailable, text)
		case !errors.As(err, &cut):
			return end, err
		case !p.resume || cut.Last == "":
			return end, cmdline.Fail(cmdline.ExitUnavailable, whereCut(cut))
		case p.limit > 0 && total >= p.limit: // only the last line is missing
			return end, nil
		}
		in.From, in.Since = following(cut.Last), ""
		if p.limit > 0 {
			in.Limit = p.limit - total
		}
	}
}

// nothing says why no message came: an error if there is none at all on these channels.
func (p past) nothing(ctx context.Context, server *api.Client, notes io.Writer) error {
	names := make([]string, len(p.channels))
	for i, ch := range p.channels {
		names[i] = string(term.AppendWord(nil, ch))
	}
	on := strings.Join(names, " ")
	any := past{channels: p.channels, Range: subscription.Range{First: true}, limit: 1, newest: true}
	end, err := readMessages(ctx, server, any, func([]byte, ndjson.Record) error { return nil })
	switch {
	case err != nil:
		return err
	case end.Messages == 0:
		return cmdline.Fail(cmdline.ExitNotFound, "there is no message on "+on+
			" that you may see (list the channels that have one with `hpfriends channel ls`)")
	}
	fmt.Fprintf(notes, "hpfriends: none of the messages on %s that you may see is of that time\n", on)
	return nil
}

// whereCut says where to go on after an answer that was cut off.
func whereCut(e *api.CutOff) string {
	if e.Last == "" {
		return e.Error()
	}
	return e.Error() + ": go on with --from '" + following(e.Last) + "'"
}

// following is the position after one.
func following(position string) string {
	p, err := entry.ParsePosition(position)
	if err != nil {
		return ""
	}
	p.Offset++
	return p.String()
}

// tellGap says on w what retention has taken.
func tellGap(w io.Writer, from, to string) { fmt.Fprintf(w, "hpfriends: %s\n", gapText(from, to)) }

func gapText(from, to string) string {
	return fmt.Sprintf("messages from %s to %s are no longer kept; going on at %s",
		term.Visible(from), term.Visible(to), term.Visible(to))
}
