package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"hpfriends/api"
	"hpfriends/graph"
	"hpfriends/internal/cmdline"
	"hpfriends/internal/term"
	"hpfriends/query/view"
)

// numbered are the kinds of objects that a name alone does not tell apart.
var numbered = []graph.Kind{graph.KindShare, graph.KindAcceptance, graph.KindToken, graph.KindSession,
	graph.KindInvitation}

func objectName(o *view.AuditObject) string {
	if o == nil {
		return ""
	}
	name := o.Name
	if slices.Contains(numbered, o.Kind) {
		name = strings.TrimSpace(fmt.Sprintf("#%d %s", o.ID, o.Name))
	}
	if o.User != "" {
		name += " " + o.User
	}
	return string(o.Kind) + " " + name
}

// briefly is a cell about the changes of one event: the first, and how many more went along.
func briefly(all []view.AuditChange) string {
	if len(all) == 0 {
		return "-"
	}
	text := brief(all[0])
	if len(all) > 1 {
		text += fmt.Sprintf(" (and %d more)", len(all)-1)
	}
	return text
}

func brief(ch view.AuditChange) string {
	switch {
	case ch.Before == nil:
		return string(ch.Kind) + " added"
	case ch.After == nil:
		return string(ch.Kind) + " removed"
	}
	var parts []string
	for _, name := range changedFields(ch) {
		parts = append(parts, fmt.Sprintf("%s: %s -> %s", name, value(ch.Before[name]), value(ch.After[name])))
	}
	return strings.Join(parts, ", ")
}

// changedFields are the names of the fields that are not alike, in order.
func changedFields(ch view.AuditChange) []string {
	names := maps.Clone(ch.Before)
	if names == nil {
		names = map[string]any{}
	}
	maps.Copy(names, ch.After)
	return slices.DeleteFunc(slices.Sorted(maps.Keys(names)), func(name string) bool {
		return value(ch.Before[name]) == value(ch.After[name])
	})
}

// value is a field as text: words as they are, all else as JSON.
func value(v any) string {
	switch v := v.(type) {
	case nil:
		return "-"
	case string:
		return v
	}
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}

func printChanges(w io.Writer, all []view.AuditChange) {
	if len(all) == 0 {
		fmt.Fprintln(w, "nothing changed that concerns you")
	}
	for _, ch := range all {
		sign := map[[2]bool]string{{true, false}: "-", {false, true}: "+",
			{true, true}: "~"}[[2]bool{ch.Before != nil, ch.After != nil}]
		fmt.Fprintf(w, "%s %s\n", sign, term.Visible(objectName(&ch.AuditObject)))
		for _, name := range changedFields(ch) {
			was, is := term.Visible(value(ch.Before[name])), term.Visible(value(ch.After[name]))
			switch {
			case ch.Before == nil:
				fmt.Fprintf(w, "    %-12s %s\n", term.Visible(name), is)
			case ch.After == nil:
				fmt.Fprintf(w, "    %-12s %s\n", term.Visible(name), was)
			default:
				fmt.Fprintf(w, "    %-12s %s -> %s\n", term.Visible(name), was, is)
			}
		}
	}
}

func auditAt(c *cli.Context, server *api.Client) error {
	var in api.AuditAtQuery
	if c.NArg() > 0 {
		var err error
		if in.T, err = momentText(c.Args().First()); err != nil {
			return cmdline.Usage("%v", err)
		}
	}
	v, err := api.AuditAt.Call(c.Context, server, in)
	if err != nil {
		return err
	}
	return cmdline.Show(c, v, func(w io.Writer) {
		fmt.Fprintf(w, "as of %s  %s\n\n", v.Position, term.OptionalTime(v.Time))
		listUsers(w, v.Users)
		fmt.Fprintln(w)
		listGroups(w, v.Groups)
		fmt.Fprintln(w)
		listShares(w, v.Shares)
		fmt.Fprintln(w)
		var rows [][]string
		for _, k := range v.Authkeys {
			rows = append(rows, []string{k.Ident, k.Owner, k.Comment, term.Joined(k.Pub), term.Joined(k.Sub),
				term.YesNo(k.Enabled), term.OptionalTime(k.Expires)})
		}
		term.Table(w, []string{"Identifier", "Owner", "Comment", "Pub", "Sub", "Enabled", "Expires"}, rows)
	})
}

func auditAccess(c *cli.Context, server *api.Client) error {
	at, err := pointFlag(c, "at")
	if err != nil {
		return err
	}
	a, err := api.AuditAccess.Call(c.Context, server, api.AccessQuery{Channel: c.Args().First(), At: at})
	if err != nil {
		return err
	}
	return cmdline.Show(c, a, func(w io.Writer) {
		fmt.Fprintf(w, "as of %s  %s\n\n", a.Position, term.OptionalTime(a.Time))
		var rows [][]string
		for _, r := range a.Readers {
			subscribes := "?" // theirs to know
			if r.Subscribes != nil {
				subscribes = term.YesNo(*r.Subscribes)
			}
			rows = append(rows, []string{r.Publisher, r.Reader, r.VisibleFrom, subscribes, pathText(r)})
		}
		term.Table(w, []string{"Publisher", "Reader", "Visible from", "Subscribes", "Path"}, rows)
		if a.Truncated {
			fmt.Fprintln(w, "There are more readers than are listed.")
		}
	})
}

// pathText is a path in a cell: "ada -#5 (own)-> bob".
func pathText(r view.AccessPath) string {
	if len(r.Path) == 0 {
		return "publishes it"
	}
	text := r.Publisher
	for _, h := range r.Path {
		if h.Share == 0 {
			text += " -> (between others)"
			continue
		}
		via := ""
		if h.Group != "" {
			via = ", group:" + h.Group
		}
		to := h.Receiver
		if to == "" {
			to = "(another)"
		}
		text += fmt.Sprintf(" -#%d (%s%s)-> %s", h.Share, h.Type, via, to)
	}
	return text
}
