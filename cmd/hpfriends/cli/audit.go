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
	"hpfriends/internal/timespec"
	"hpfriends/query/past"
	"hpfriends/query/view"
)

const momentForms = "position (#812 or 812.0), or " + timespec.Forms

func atFlag() cli.Flag {
	return momentFlag("at", "as of `WHEN`: "+momentForms)
}

// Audit returns the command audit: who changed what, and the graph as of any time.
func Audit() *cli.Command {
	filter := []cli.Flag{
		momentFlag("since", "changes since `WHEN`: "+momentForms),
		momentFlag("until", "changes until `WHEN`, likewise"),
		&cli.StringFlag{Name: "actor", Usage: "made by `USER`, or by operator, or system"},
		&cli.StringFlag{Name: "object", Usage: "of objects of `KIND` or KIND:NAME: user:ada, group:lab, membership, " +
			"authkey:IDENT, share:5, acceptance, token"},
		&cli.StringFlag{Name: "op", Usage: "of `OPERATION`: user.add, share.decide, ...; share.* for all about shares"},
		&cli.StringFlag{Name: "user", Usage: "that concern `USER`"},
	}
	limit := &cli.IntFlag{Name: "limit", Value: 100, Usage: "the newest `N` changes; 0: all"}
	return &cli.Command{
		Name: "audit", Usage: "who changed what, and the sharing graph as of any time",
		Description: `Every change of users, groups, shares and authkeys is kept for ever, chained
by hash. You see the changes that concern you; auditors and admins see all.`,
		Subcommands: []*cli.Command{
			cmdline.APICommand("ls", "list changes, newest first", "", listAudit, append(filter, limit)...),
			cmdline.APICommand("show", "show a change with everything before and after", "POSITION", showAudit),
			cmdline.APICommand("at", "show users, groups, shares and authkeys as of a time", "[TIME]", auditAt),
			cmdline.APICommand("diff", "show what changed between two times", "TIME [TIME]", auditDiff),
			cmdline.APICommand("access", "show who could read a channel, and by which path", "CHANNEL", auditAccess, atFlag()),
			cmdline.APICommand("verify", "check that no change was altered, removed, reordered or added: exit 1 if one was",
				"", verifyAudit),
			cmdline.APICommand("tail", "print changes as they come, until Ctrl-C", "", tailAudit, filter...),
		},
	}
}

func momentFlag(name, usage string) cli.Flag {
	return cmdline.LiteralFlag(name, usage, func(s string) error {
		_, err := momentText(s)
		return err
	})
}

// pointFlag is a flag that is a time or a position, as the server takes it.
func pointFlag(c *cli.Context, flag string) (string, error) {
	if !c.IsSet(flag) {
		return "", nil
	}
	text, err := momentText(c.String(flag))
	if err != nil {
		return "", cmdline.Usage("--%s: %v", flag, err)
	}
	return text, nil
}

// momentText reads a time by the clock and the zone of this machine.
func momentText(s string) (string, error) {
	if s == "" {
		return "", fmt.Errorf("want a %s", momentForms)
	}
	m, err := past.ParsePoint(s, time.Now())
	switch {
	case err != nil:
		return "", err
	case m.Time.IsZero():
		return fmt.Sprintf("#%d", m.Index), nil
	}
	return m.Time.UTC().Format(time.RFC3339Nano), nil
}

func auditFilter(c *cli.Context) (in api.AuditQuery, err error) {
	in = api.AuditQuery{Actor: c.String("actor"), Object: c.String("object"), Op: c.String("op"), User: c.String("user")}
	if in.Since, err = pointFlag(c, "since"); err == nil {
		in.Until, err = pointFlag(c, "until")
	}
	if err != nil {
		return in, err
	}
	since, err := past.ParsePoint(in.Since, time.Now())
	if err != nil {
		return in, err
	}
	until, err := past.ParsePoint(in.Until, time.Now())
	if err == nil && until.Index > 0 && until.Index < since.Index {
		err = cmdline.Usage("--until %s is before --since %s", in.Until, in.Since)
	}
	return in, cmp.Or(err, cmdline.Period(since.Time, until.Time))
}

func listAudit(c *cli.Context, server *api.Client) error {
	in, err := auditFilter(c)
	if err != nil {
		return err
	}
	limit := c.Int("limit")
	if limit < 0 {
		return cmdline.Usage("--limit is %d, want 0 or more", limit)
	}
	const most = 1000 // of one page
	if in.Limit = most; limit > 0 {
		in.Limit = min(limit, most)
	}
	all := []view.AuditEvent{}
	for e, err := range api.ListAudit.Each(c.Context, server, in) {
		if err != nil {
			return err
		}
		if all = append(all, e); len(all) == limit {
			break
		}
	}
	return cmdline.Show(c, all, func(w io.Writer) { listEvents(w, all) })
}

func listEvents(w io.Writer, all []view.AuditEvent) {
	var rows [][]string
	for _, e := range all {
		rows = append(rows, []string{e.Position, term.Time(e.Time), e.By, e.From, e.Op,
			objectName(e.Object), briefly(e.Changes)})
	}
	term.Table(w, []string{"Position", "Time", "By", "From", "Op", "Object", "Changes"}, rows)
}

func showAudit(c *cli.Context, server *api.Client) error {
	m, err := past.ParsePoint(c.Args().First(), time.Now())
	if err != nil || !m.Time.IsZero() {
		return cmdline.Usage("%q is not a position: list them with `hpfriends audit ls`", c.Args().First())
	}
	e, err := api.ShowAudit.Call(c.Context, server, api.AuditPath{Index: m.Index})
	if err != nil {
		return err
	}
	return cmdline.Show(c, e, func(w io.Writer) {
		at := e.Time.Local().Format(time.RFC3339Nano)
		for _, line := range [][2]string{{"position", e.Position}, {"time", at}, {"by", e.By},
			{"from", e.From}, {"op", e.Op}, {"object", objectName(e.Object)}, {"hash", e.Hash}} {
			if line[1] != "" {
				fmt.Fprintf(w, "%-9s %s\n", line[0], term.Visible(line[1]))
			}
		}
		printChanges(w, e.Changes)
	})
}

func auditDiff(c *cli.Context, server *api.Client) error {
	var in api.AuditDiffQuery
	for i, text := range []*string{&in.From, &in.To}[:c.NArg()] {
		var err error
		if *text, err = momentText(c.Args().Get(i)); err != nil {
			return cmdline.Usage("%v", err)
		}
	}
	d, err := api.AuditDiff.Call(c.Context, server, in)
	if err != nil {
		return err
	}
	return cmdline.Show(c, d, func(w io.Writer) {
		fmt.Fprintf(w, "from %s  %s\nto   %s  %s\n", d.From.Position, term.OptionalTime(d.From.Time), d.To.Position,
			term.OptionalTime(d.To.Time))
		printChanges(w, d.Changes)
	})
}
