package feed

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"hpfriends/api"
	"hpfriends/internal/cmdline"
	"hpfriends/internal/term"
	"hpfriends/internal/timespec"
	"hpfriends/query/view"
)

// onServer reports whether the server is to replay.
func onServer(c *cli.Context) bool { return c.String("authkey") != "" }

// orderOf reads what a server is to replay.
func orderOf(c *cli.Context) (in api.NewReplay, err error) {
	p, err := pastOf(c, c.Args().Slice())
	if err == nil {
		err = p.required()
	}
	if err != nil {
		return in, err
	}
	kind, to, _ := strings.Cut(c.String("to"), ":")
	switch {
	case kind != "channel":
		return in, cmdline.Usage("--authkey has the server replay: want --to channel:NAME, or --to channel:")
	case c.String("resume") != "":
		return in, cmdline.Usage("--resume is for a replay by this command, not by the server")
	case c.String("ident") != "" || c.String("secret") != "":
		return in, cmdline.Usage("--authkey needs no secret: leave out -i and -s")
	}
	v := p.Values()
	return api.NewReplay{
		Channel: p.channels, Since: v.Get("since"), From: v.Get("from"), Until: v.Get("until"), Limit: c.Uint64("count"),
		Text: c.String("containing"),
		To:   to, Authkey: c.String("authkey"), Speed: c.String("speed"), Rate: c.Int("rate"), DryRun: c.Bool("dry-run"),
	}, nil
}

// replayOnServer has the server replay, and shows how far it is. An interrupt stops it.
func replayOnServer(c *cli.Context, server *api.Client) error {
	in, err := orderOf(c)
	if err != nil {
		return err
	}
	r, err := api.StartReplay.Call(c.Context, server, api.With[api.NewReplay]{Body: in})
	if err != nil {
		return err
	}
	ctx, stop := cmdline.UntilInterrupt(c.Context)
	defer stop()
	if r, err = awaitReplay(ctx, c.App.ErrWriter, server, r); err != nil {
		return err
	}
	if err := cmdline.Show(c, r, func(w io.Writer) { fmt.Fprintln(w, describeReplay(r)) }); err != nil {
		return err
	}
	switch r.State {
	case view.ReplayFailed:
		return cmdline.Fail(cmdline.ExitFailed, r.Error)
	case view.ReplayStopped:
		return cmdline.Fail(cmdline.ExitInterrupted, "")
	default:
		return nil
	}
}

// askEvery is how often the server is asked how far it is.
const askEvery = 250 * time.Millisecond

// awaitReplay waits until a replay is over.
func awaitReplay(ctx context.Context, notes io.Writer, server *api.Client, r view.Replay) (_ view.Replay, err error) {
	p := term.NewProgress(notes, "messages", 0)
	defer p.Clear()
	always := context.WithoutCancel(ctx)
	for !r.Over() {
		if err := timespec.Sleep(ctx, askEvery); err != nil {
			if _, err := api.StopReplay.Call(always, server, api.ReplayPath{ID: r.ID}); err != nil {
				return r, err
			}
			ctx = always
		}
		if r, err = api.ShowReplay.Call(always, server, api.ReplayPath{ID: r.ID}); err != nil {
			return r, err
		}
		p.Reach(r.Published, r.Total)
	}
	return r, nil
}

func describeReplay(r view.Replay) string {
	text := fmt.Sprintf("%d of %d messages published", r.Published, r.Total)
	if r.DryRun {
		text = term.Count(r.Total, "message", "messages")
	}
	if r.First != nil && r.Last != nil {
		text += fmt.Sprintf(", of %s to %s", term.Time(*r.First), term.Time(*r.Last))
	}
	if r.Gap {
		text += "; some are no longer kept"
	}
	return text
}
