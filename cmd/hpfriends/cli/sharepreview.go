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

// previewShare says what share add would do.
func previewShare(c *cli.Context, server *api.Client) error {
	in := api.SharePreviewQuery{Channel: c.Args().First(), To: c.String("to"), Type: c.String("type")}
	p, err := api.PreviewShare.Call(c.Context, server, in)
	if err != nil {
		return err
	}
	return cmdline.Show(c, p, func(w io.Writer) { printPreview(w, in, p) })
}

func printPreview(w io.Writer, in api.SharePreviewQuery, p view.SharePreview) {
	line := func(what, format string, args ...any) {
		fmt.Fprintf(w, "%-9s %s\n", what, term.Visible(fmt.Sprintf(format, args...)))
	}
	if p.Existing != nil {
		line("exists", "you share %s with %s already: share %d", p.Existing.Channel, p.Existing.To, p.Existing.ID)
	}
	line("reaches", "%s", recipients(p.Receivers))
	if p.Further.Count > 0 {
		line("further", "%s, by shares of type all that are enabled already", recipients(p.Further))
	}
	for _, o := range p.PassesOn {
		line("passes on", "what %s publishes: %s in the last 24 hours", o.User,
			term.Count(o.Messages, "message", "messages"))
	}
	if len(p.Authkeys) == 0 {
		line("authkeys", "none of yours may publish on %s", in.Channel)
	} else {
		line("authkeys", "%s", strings.Join(p.Authkeys, " "))
	}
	least := ""
	if p.Day.AtLeast {
		least = "at least "
	}
	line("last day", "%s%s, %.3g an hour", least, term.Count(p.Day.Messages, "message", "messages"), p.Day.PerHour)
	if m := p.Sample; m != nil {
		line("sample", "%s  %s  %s  %s", m.Position, term.Time(m.Time), m.Channel, m.Text+string(m.Raw))
	}
}

// recipients is a Recipients in words.
func recipients(r view.Recipients) string {
	if r.Hidden {
		return "the members of " + r.Group + ", which are not yours to see"
	}
	text := fmt.Sprint(r.Count)
	if r.AtLeast {
		text = "at least " + text
	}
	if len(r.Users) > 0 {
		text += ": " + strings.Join(r.Users, " ")
	}
	if r.Count > len(r.Users) && len(r.Users) > 0 {
		text += " ..."
	}
	if r.Group != "" {
		text += ", as members of " + r.Group
	}
	if r.Already > 0 {
		text += fmt.Sprintf(" (%d receive it already)", r.Already)
	}
	return text
}
