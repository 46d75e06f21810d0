// Package gates tells how the gates between a publisher and a receiver are opened, and by whom.
package gates

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"hpfriends/graph"
	"hpfriends/query"
	"hpfriends/query/view"
)

// Asker is who asks.
type Asker struct {
	*query.Query
	Actor  graph.Actor
	Viewer graph.Viewer
	Handle string
	Admin  bool // they may change what others have
}

// most is how many channels are looked through, and authkeys offered.
const most = 100

// Data is what is asked, and the answer.
type Data struct {
	From, To, Channel string
	Pattern           string            // that was asked about, if it was one: Channel is of those that it stands for
	Matches           []string          // the channels of Pattern that hold messages which who asks may see
	Explanation       *view.Explanation // nil: nothing was asked yet
	Gates             []Gate
}

// Gate is a gate, and how it is opened.
type Gate struct {
	view.Gate
	Verb, Address string        // a page that opens it
	Enable        graph.ShareID // the share that who asks has to enable
	Revive        string        // ident of an authkey that has to be enabled
	Keys          []string      // those of who asks, of which one has to subscribe
	Ask           string        // who else has to do something
}

// Pick chooses a channel of a pattern, for gates are of one: the newest with a message, or else one that an authkey of
// who asks names, or the shortest that there can be. It is empty if there is none.
func (d *Data) Pick(ctx context.Context, a Asker) error {
	pattern := graph.Pattern(d.Channel)
	prefix := strings.TrimSuffix(d.Channel, "*")
	d.Pattern, d.Channel = d.Channel, ""
	seen, err := a.Channels(ctx, a.Actor, prefix, "", most)
	if err != nil {
		return err
	}
	var newest time.Time
	for _, c := range seen {
		if view.Visible(c.Name) != c.Name {
			continue
		}
		d.Matches = append(d.Matches, c.Name)
		if c.Last.After(newest) {
			newest, d.Channel = c.Last, c.Name
		}
	}
	keys, err := a.Authkeys(a.Actor, a.Actor.User)
	for _, k := range keys {
		for _, p := range slices.Concat(k.Pub, k.Sub) {
			if d.Channel == "" && pattern.Covers(p) && graph.ValidateChannel(string(p)) == nil {
				d.Channel = string(p)
			}
		}
	}
	if d.Channel == "" && graph.ValidateChannel(prefix) == nil {
		d.Channel = prefix
	}
	return err
}

// Wanted is what an authkey lacks: all that was asked about.
func (d Data) Wanted() string { return cmp.Or(d.Pattern, d.Channel) }

// Others are a few more channels of the pattern.
func (d Data) Others() []string {
	others := slices.DeleteFunc(slices.Clone(d.Matches), func(c string) bool { return c == d.Channel })
	return others[:min(8, len(others))]
}

const subscribing = "subscribing authkey"

// OnPages reports whether the receiver reads it here and nowhere else: all that lacks is an authkey for a client.
func (d Data) OnPages() bool {
	other := func(g view.Gate) bool { return g.Closed() && g.Name != subscribing }
	return d.Explanation != nil && !d.Explanation.Flows && !slices.ContainsFunc(d.Explanation.Gates, other)
}

// Partly reports whether there is a gate that who asks may not know of.
func (d Data) Partly() bool {
	return slices.ContainsFunc(d.Gates, func(g Gate) bool { return g.Unknown })
}

// Open lists the gates of an explanation, with how those that are closed are opened; nothing opens those of the past.
func (d *Data) Open(a Asker, x view.Explanation, past bool) {
	d.Explanation = &x
	for _, gate := range x.Gates {
		g := Gate{Gate: gate}
		if gate.Closed() && !past {
			g.open(a, *d)
		}
		d.Gates = append(d.Gates, g)
	}
}

// open finds out how a gate that is closed is opened, by who asks or by whom else.
func (g *Gate) open(a Asker, d Data) {
	x := d.Explanation
	me := a.Handle
	switch g.Name {
	case "publisher", "receiver":
		if a.Viewer.CanSeeAll() {
			g.Verb, g.Address = "Show users", "/admin"
		} else {
			g.Ask = "Ask an admin."
		}
	case "publishing authkey":
		g.authkey(a, x.From, "pub", d)
	case subscribing:
		g.authkey(a, x.To, "sub", d)
	case "path":
		g.Ask = "Ask " + x.From + " to share it."
		if me == x.From {
			q := url.Values{"channel": {x.Channel}, "to": {x.To}}
			g.Verb, g.Address, g.Ask = "Share it", "/shares?"+q.Encode(), ""
		}
	}
	for _, h := range x.Path {
		if id, isShare := strings.CutPrefix(g.Name, "share #"); isShare && id == strconv.FormatUint(uint64(h.Share), 10) {
			g.share(me, h)
		}
	}
}

// authkey is opened by its owner, or an admin: by the authkey that would do if it were enabled, or by one that gets the
// channel.
func (g *Gate) authkey(a Asker, owner, right string, d Data) {
	u, known := a.Viewer.Graph().UserByHandle(owner)
	mine := a.Handle == owner
	if !mine {
		g.Ask = "Only " + owner + " can change that."
	}
	if !known || !mine && !a.Admin {
		return
	}
	if mine {
		g.Verb, g.Address = "Add authkey", "/authkeys?"+url.Values{"add": {""}, right: {d.Wanted()}}.Encode()
	}
	keys, _ := a.Authkeys(a.Actor, u.ID)
	for _, k := range keys {
		list := k.Pub
		if right == "sub" {
			list = k.Sub
		}
		matches := slices.ContainsFunc(list, func(p graph.Pattern) bool { return p.Match(d.Channel) })
		switch {
		case matches && !k.Enabled:
			g.Revive, g.Keys = k.Ident, nil
			return
		case k.Enabled && right == "sub" && len(g.Keys) < most:
			g.Keys = append(g.Keys, k.Ident)
		}
	}
}

// share is opened by its receiver, who has not enabled it, or else by its owner.
func (g *Gate) share(me string, h view.Hop) {
	switch {
	case h.Receiver == me && !h.Accepted:
		g.Enable = h.Share
	case h.Owner == me && h.Accepted:
		g.Verb, g.Address = "Edit share", "/shares/"+strconv.FormatUint(uint64(h.Share), 10)
	case h.Accepted || h.Receiver == "":
		g.Ask = "Ask " + h.Owner + "."
	default:
		g.Ask = "Ask " + h.Receiver + " to enable it."
	}
}
