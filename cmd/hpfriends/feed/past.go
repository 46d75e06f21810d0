package feed

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"

	"hpfriends/eventlog/entry"
	"hpfriends/graph"
	"hpfriends/internal/cmdline"
	"hpfriends/internal/ndjson"
	"hpfriends/internal/term"
	"hpfriends/internal/timespec"
	"hpfriends/query"
	"hpfriends/wire/subscription"
)

// past says which messages of the log a command wants, as the API takes it.
type past struct {
	channels []string
	subscription.Range
	limit  uint64
	newest bool
	resume bool // go on with another request when an answer is cut off, as one is that is read slowly
}

// pastFlags are those of commands that read the log.
func pastFlags(more ...cli.Flag) []cli.Flag {
	return append([]cli.Flag{
		&cli.StringFlag{Name: "since", Usage: "messages since `TIME`: " + timespec.Forms},
		&cli.StringFlag{Name: "from", Usage: "messages from `POSITION` on (#812.4), or first"},
		&cli.StringFlag{Name: "until", Usage: "messages before `TIME` or POSITION"},
	}, more...)
}

// pastOf reads pastFlags.
func pastOf(c *cli.Context, channels []string) (p past, err error) {
	p.channels = channels
	if len(channels) == 0 {
		return p, cmdline.Usage("no channel: name one, or a prefix followed by *")
	}
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
	return p, nil
}

// required refuses to read everything by mistake.
func (p past) required() error {
	if !p.Begins() {
		return cmdline.Usage("--since is required (or --from; --from first is all that there is)")
	}
	return nil
}

func (p past) query() string {
	q := p.Values()
	q["channel"] = p.channels
	if p.limit > 0 {
		q.Set("limit", strconv.FormatUint(p.limit, 10))
	}
	return q.Encode()
}

func countMessages(ctx context.Context, c *cmdline.Client, p past) (n query.Count, err error) {
	res, err := stream(ctx, c, "/messages/count?"+p.query())
	if err != nil {
		return n, err
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(&n); err != nil {
		return n, c.Failed(ctx, err)
	}
	return n, nil
}

// stream sends a request whose answer may take any time.
func stream(ctx context.Context, c *cmdline.Client, path string) (*http.Response, error) {
	unhurried := *c.HTTP
	unhurried.Timeout = 0
	return c.Send(ctx, &unhurried, http.MethodGet, cmdline.APIBase+path, nil)
}

// cutOff is an answer without its last line.
type cutOff struct {
	next string // where to go on; empty: nothing was read
	err  error
}

func (e *cutOff) Error() string {
	where := ""
	if e.next != "" {
		where = ": go on with --from '" + e.next + "'"
	}
	return fmt.Sprintf("the server's answer was cut off (%v)%s", e.err, where)
}

// readMessages calls each with every message and gap, and its line, until its first error. It returns the last line.
func readMessages(ctx context.Context, c *cmdline.Client, p past, each func(line []byte, r ndjson.Record) error) (end ndjson.End, err error) {
	for total := uint64(0); ; {
		end, err = readAnswer(ctx, c, p, each)
		if p.limit > 0 {
			p.limit -= min(p.limit, end.Messages)
		}
		total += end.Messages
		end.Messages = total
		var cut *cutOff
		switch {
		case !errors.As(err, &cut):
			return end, err
		case !p.resume || cut.next == "":
			return end, cmdline.Fail(cmdline.ExitUnavailable, cut.Error())
		}
		next, err := entry.ParsePosition(cut.next)
		if err != nil {
			return end, fmt.Errorf("the server's answer: %w", err)
		}
		p.First, p.Since, p.From = false, time.Time{}, next
	}
}

// readAnswer reads one answer.
func readAnswer(ctx context.Context, c *cmdline.Client, p past, each func(line []byte, r ndjson.Record) error) (end ndjson.End, err error) {
	path := "/messages?" + p.query()
	if p.newest {
		path += "&order=newest"
	}
	res, err := stream(ctx, c, path)
	if err != nil {
		return end, err
	}
	defer res.Body.Close()
	lines := bufio.NewReaderSize(res.Body, 256<<10)
	for {
		line, err := lines.ReadBytes('\n')
		if ctx.Err() != nil {
			return end, ctx.Err()
		}
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return end, &cutOff{end.Next, err}
		}
		r, err := ndjson.Parse(line)
		if err != nil {
			return end, fmt.Errorf("the server's answer: %w", err)
		}
		switch {
		case r.End != nil && r.End.End:
			return *r.End, nil
		case r.End != nil:
			return *r.End, cmdline.Fail(cmdline.ExitUnavailable, fmt.Sprintf("%s, after %d messages: go on with --from '%s'", r.End.Error, r.End.Messages, r.End.Next))
		}
		if err := each(line, r); err != nil {
			return end, err
		}
		if r.Message != nil {
			end.Messages++
			end.Next = following(r.Message.Position)
		}
	}
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
func tellGap(w io.Writer, from, to string) {
	fmt.Fprintf(w, "hpfriends: messages from %s to %s are no longer kept; going on at %s\n", term.Visible(from), term.Visible(to), term.Visible(to))
}
