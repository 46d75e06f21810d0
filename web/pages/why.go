package pages

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"hpfriends/graph"
	"hpfriends/query/view"
)

type whyData struct {
	From, To, Channel string
	Pattern           string            // that was asked about, if it was one: Channel is of those that it stands for
	Matches           []string          // the channels of Pattern that hold messages which who asks may see
	Explanation       *view.Explanation // nil: nothing was asked yet
	Gates             []whyGate
}

// whyGate is a gate, and how it is opened.
type whyGate struct {
	view.Gate
	Verb, Address string        // a page that opens it
	Enable        graph.ShareID // the share that who asks has to enable
	Revive        string        // ident of an authkey that has to be enabled
	Keys          []string      // those of who asks, of which one has to subscribe
	Ask           string        // who else has to do something
}

// why shows the gates between a publisher and a receiver. It has an address, so that it can be sent to a colleague.
func why(r *request) (any, error) {
	q := r.URL.Query()
	d := whyData{From: q.Get("from"), To: q.Get("to"), Channel: q.Get("channel")}
	if strings.HasSuffix(d.Channel, "*") {
		if err := d.pick(r); err != nil {
			return nil, err
		}
	}
	if d.From == "" || d.To == "" || d.Channel == "" {
		return d, nil
	}
	x, err := explain(r, d)
	if err != nil {
		r.problem = r.Refusal(err)
		return d, nil
	}
	d.Explanation = &x
	for _, gate := range x.Gates {
		g := whyGate{Gate: gate}
		if gate.Closed() && r.past == nil {
			g.open(r, d)
		}
		d.Gates = append(d.Gates, g)
	}
	return d, nil
}

// pick chooses a channel of a pattern, for gates are of one: the newest with a message, or else one that an authkey of
// who asks names, or the shortest that there can be. It is empty if there is none.
func (d *whyData) pick(r *request) error {
	pattern := graph.Pattern(d.Channel)
	prefix := strings.TrimSuffix(d.Channel, "*")
	d.Pattern, d.Channel = d.Channel, ""
	seen, err := r.Query.Channels(r.Context(), r.actor, prefix, "", rows)
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
	keys, err := r.Query.Authkeys(r.actor, r.actor.User)
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
func (d whyData) Wanted() string { return cmp.Or(d.Pattern, d.Channel) }

// Others are a few more channels of the pattern.
func (d whyData) Others() []string {
	others := slices.DeleteFunc(slices.Clone(d.Matches), func(c string) bool { return c == d.Channel })
	return others[:min(few, len(others))]
}

// whyOf is where it is told whether a share delivers.
func whyOf(from, to string, channel graph.Pattern) string {
	return "/why?" + url.Values{"from": {from}, "to": {to}, "channel": {string(channel)}}.Encode()
}

func explain(r *request, d whyData) (view.Explanation, error) {
	if r.past != nil {
		return r.Query.ExplainAt(r.actor, d.From, d.To, d.Channel, r.past.point)
	}
	return r.Query.Explain(r.actor, d.From, d.To, d.Channel)
}

const subscribing = "subscribing authkey"

// OnPages reports whether the receiver reads it here and nowhere else: all that lacks is an authkey for a client.
func (d whyData) OnPages() bool {
	other := func(g view.Gate) bool { return g.Closed() && g.Name != subscribing }
	return d.Explanation != nil && !d.Explanation.Flows && !slices.ContainsFunc(d.Explanation.Gates, other)
}

// Partly reports whether there is a gate that who asks may not know of.
func (d whyData) Partly() bool {
	return slices.ContainsFunc(d.Gates, func(g whyGate) bool { return g.Unknown })
}

// open finds out how a gate that is closed is opened, by who asks or by whom else.
func (g *whyGate) open(r *request, d whyData) {
	x := d.Explanation
	me := r.Handle()
	switch g.Name {
	case "publisher", "receiver":
		if r.viewer.CanSeeAll() {
			g.Verb, g.Address = "Show users", "/admin"
		} else {
			g.Ask = "Ask an admin."
		}
	case "publishing authkey":
		g.authkey(r, x.From, "pub", d)
	case subscribing:
		g.authkey(r, x.To, "sub", d)
	case "path":
		g.Ask = "Ask " + x.From + " to share it."
		if me == x.From {
			q := url.Values{"channel": {x.Channel}, "to": {x.To}}
			g.Verb, g.Address, g.Ask = "Share it", "/shares?"+q.Encode()+"#add", ""
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
func (g *whyGate) authkey(r *request, owner, right string, d whyData) {
	u, known := r.viewer.Graph().UserByHandle(owner)
	mine := r.Handle() == owner
	if !mine {
		g.Ask = "Only " + owner + " can change that."
	}
	if !known || !mine && !r.mayAdminister() {
		return
	}
	if mine {
		g.Verb, g.Address = "Add authkey", "/authkeys?"+url.Values{"add": {""}, right: {d.Wanted()}}.Encode()+"#add"
	}
	keys, _ := r.Query.Authkeys(r.actor, u.ID)
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
		case k.Enabled && right == "sub" && len(g.Keys) < rows:
			g.Keys = append(g.Keys, k.Ident)
		}
	}
}

// share is opened by its receiver, who has not enabled it, or else by its owner.
func (g *whyGate) share(me string, h view.Hop) {
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
