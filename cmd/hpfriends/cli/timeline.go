package cli

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"hpfriends/api"
	"hpfriends/internal/cmdline"
	"hpfriends/internal/term"
	"hpfriends/query/view"
)

func timelineFlags() []cli.Flag {
	return []cli.Flag{
		cmdline.TimeFlag("since", "begin at `TIME` (default: an hour ago)"),
		cmdline.TimeFlag("until", "end at `TIME` (default: now)"),
		&cli.IntFlag{Name: "buckets", Value: 12, Usage: "cut the time into `N` parts"},
	}
}

func timelineOf(c *cli.Context, channel string) (api.TimelineQuery, error) {
	in := api.TimelineQuery{Channel: []string{channel}, Buckets: c.Int("buckets")}
	if in.Buckets < 1 || in.Buckets > 1000 {
		return in, cmdline.Usage("--buckets: want 1 to 1000")
	}
	now := time.Now()
	in.Since = now.Add(-time.Hour).UTC().Format(time.RFC3339Nano)
	if c.IsSet("since") {
		in.Since = cmdline.Past(c, "since").UTC().Format(time.RFC3339Nano)
	}
	if c.IsSet("until") {
		in.Until = cmdline.Past(c, "until").UTC().Format(time.RFC3339Nano)
	}
	return in, cmdline.Period(cmdline.Past(c, "since"), cmdline.Past(c, "until"))
}

func printTimeline(w io.Writer, t view.Timeline) {
	most := uint64(1)
	for _, n := range t.Messages {
		most = max(most, n)
	}
	var rows [][]string
	for i, n := range t.Messages {
		at := t.Since.Add(time.Duration(float64(i) * t.Step * float64(time.Second)))
		rows = append(rows, []string{term.Time(at), fmt.Sprint(n), strings.Repeat("#", int(n*40/most))})
	}
	term.Table(w, []string{"From", "Messages", ""}, rows)
	estimate(w, t.Estimate)
}

func printRates(w io.Writer, r view.Rates) {
	var rows [][]string
	for _, c := range r.Channels {
		rows = append(rows, []string{channelName(c.Channel), fmt.Sprint(c.Total), strings.Trim(fmt.Sprint(c.Messages), "[]")})
	}
	term.Table(w, []string{"Channel", "Messages", "Over time"}, rows)
	estimate(w, r.Estimate)
}

func estimate(w io.Writer, is bool) {
	if is {
		fmt.Fprintln(w, "There are many messages: these are estimates by parts of the log.")
	}
}
