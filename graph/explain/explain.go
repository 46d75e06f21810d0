// Package explain answers whether what one user publishes on a channel reaches another, and if not, what is missing: it
// goes through every gate that a message passes, and says of each that is closed which command opens it.
//
// # Invariant
//
// Delivery says that it flows if and only if package router delivers it: the gates are those of the graph.
//
// # Concurrency
//
// The functions are pure: they may be called by any number of goroutines.
package explain

import (
	"fmt"
	"slices"

	"hpfriends/graph"
	"hpfriends/internal/shell"
)

// Answer is what Delivery finds.
type Answer struct {
	From, To    graph.UserID
	Channel     string
	Flows       bool   // every gate is open
	VisibleFrom uint64 // if To is in the reach: the log index from which on they may see it
	Gates       []Gate // the two users, the publisher's authkey, the shares on the path, the receiver's authkey
	Path        []Hop  // the path it takes, or the one that lacks least; empty if there is none or none is needed
}

// Gate is one condition.
type Gate struct {
	Name   string
	OK     bool
	Detail string // what was found
	Fix    string // a command that opens it; empty if it is open, or if nobody can
}

// Hop is one share on a path, and its receiver there.
type Hop struct {
	Share    graph.ShareID
	Owner    graph.UserID
	Receiver graph.UserID
	Group    graph.GroupID // 0 if the share is with the receiver directly
	Type     graph.ShareType
	History  graph.History
	Accepted bool
	Expired  bool
	OK       bool // a message passes
}

// Delivery goes through everything that must hold for a message that from publishes on channel to reach to. There must
// be an authkey of from that may publish it, a path of shares that pass it on, and an authkey of to that may subscribe
// to it.
func Delivery(g *graph.Graph, from, to graph.UserID, channel string) Answer {
	x := explainer{graph: g, Answer: Answer{From: from, To: to, Channel: channel}}
	if x.user("publisher", from) && (from == to || x.user("receiver", to)) {
		if err := graph.ValidateChannel(channel); err != nil {
			x.gate("channel", false, err.Error(), "")
		} else {
			x.authkey("publishing authkey", from, "pub", g.MayPublish)
			x.path()
			x.authkey("subscribing authkey", to, "sub", g.MaySubscribe)
		}
	}
	x.Flows = true
	for _, gate := range x.Gates {
		x.Flows = x.Flows && gate.OK
	}
	return x.Answer
}

type explainer struct {
	graph *graph.Graph
	Answer
}

func (x *explainer) gate(name string, ok bool, detail, fix string) {
	if ok {
		fix = ""
	}
	x.Gates = append(x.Gates, Gate{name, ok, detail, fix})
}

// user adds the gate that a user counts, and reports whether they exist at all.
func (x *explainer) user(name string, id graph.UserID) bool {
	u, ok := x.graph.User(id)
	switch {
	case !ok:
		x.gate(name, false, fmt.Sprintf("there is no user #%d", id), "")
	case !u.Enabled:
		x.gate(name, false, u.Handle+" is disabled", command("user enable", u.Handle))
	default:
		x.gate(name, true, u.Handle+" is enabled", "")
	}
	return ok
}

// authkey adds the gate that a user has an authkey with the right to do something on the channel. If none has, it tells
// about the one that lacks least.
func (x *explainer) authkey(name string, owner graph.UserID, right string, may func(*graph.Authkey, string) error) {
	var disabled, other *graph.Authkey
	for k := range x.graph.AuthkeysOf(owner) {
		list := k.Pub
		if right == "sub" {
			list = k.Sub
		}
		// The owner has a gate of their own: here the authkey alone is asked about.
		switch matches := slices.ContainsFunc(list, x.covered); {
		case matches && k.Enabled:
			detail := fmt.Sprintf("authkey %s may %s %s", shell.Quote(k.Ident), right, shell.Quote(x.Channel))
			x.gate(name, may(k, x.Channel) == nil || !enabled(x.graph, owner), detail, "")
			return
		case matches:
			disabled = k
		case other == nil || k.Enabled && !other.Enabled:
			other = k
		}
	}
	as := x.handle(owner)
	switch {
	case disabled != nil:
		detail := fmt.Sprintf("authkey %s is disabled", shell.Quote(disabled.Ident))
		x.gate(name, false, detail, command("authkey enable", disabled.Ident))
	case other != nil:
		x.gate(name, false, fmt.Sprintf("no authkey of %s may %s %s", as, right, shell.Quote(x.Channel)),
			command("authkey edit", other.Ident, "--"+right, x.Channel))
	default:
		x.gate(name, false, as+" has no authkey", command("authkey add", "--"+right, x.Channel, "--as", as))
	}
}

// path finds the path and adds the gates of its hops.
func (x *explainer) path() {
	if x.From == x.To {
		x.gate("path", true, "publishers receive what they publish", "")
		return
	}
	r := x.graph.Reach(x.From, x.Channel)
	if from, ok := r.VisibleFrom(x.To); ok {
		x.VisibleFrom = from
		x.Path = Path(x.graph, r, x.To)
	} else {
		x.Path = nearestPath(x.graph, r, x.From, x.To)
	}
	if len(x.Path) == 0 {
		from, to := x.handle(x.From), x.handle(x.To)
		x.gate("path", false, fmt.Sprintf("no share leads from %s to %s on %s", from, to, shell.Quote(x.Channel)),
			command("share add", x.Channel, "--to", to, "--as", from))
	}
	for _, h := range x.Path {
		x.hop(h)
	}
}

// hop adds the gates of one share on the path: one if it is open, else one for each thing that it lacks.
func (x *explainer) hop(h Hop) {
	s, _ := x.graph.Share(h.Share)
	owner, receiver := x.handle(h.Owner), x.handle(h.Receiver)
	via := receiver
	if gr, ok := x.graph.Group(h.Group); ok {
		via = fmt.Sprintf("%s as a member of %s", receiver, shell.Quote(gr.Name))
	}
	name := fmt.Sprintf("share #%d", h.Share)
	what := fmt.Sprintf("%s shares %s (%s) with %s", owner, shell.Quote(string(s.Channel)), h.Type, via)
	if h.OK {
		x.gate(name, true, what, "")
		return
	}
	again := command("share add", string(s.Channel), "--to", x.receiverName(s), "--type", string(s.Type), "--as", owner)
	if h.Expired {
		x.gate(name, false, what+", but it has expired", command("share rm", fmt.Sprint(h.Share))+" && "+again)
	}
	if h.Type == graph.Own && h.Owner != x.From {
		again = command("share add", string(s.Channel), "--to", x.receiverName(s), "--type", "all", "--as", owner)
		x.gate(name, false, fmt.Sprintf("%s, but type own passes on only what %s publishes", what, owner),
			command("share rm", fmt.Sprint(h.Share))+" && "+again)
	}
	if !h.Accepted {
		x.gate(name, false, fmt.Sprintf("%s, but %s has not enabled it", what, receiver),
			command("share accept", fmt.Sprint(h.Share), "--as", receiver))
	}
	if h.Receiver != x.To && !enabled(x.graph, h.Receiver) {
		x.gate(name, false, fmt.Sprintf("%s, but %s is disabled", what, receiver), command("user enable", receiver))
	}
}

// receiverName is the receiver of a share as the command line takes it.
func (x *explainer) receiverName(s *graph.Share) string {
	if gr, ok := x.graph.Group(s.Group); ok {
		return "group:" + gr.Name
	}
	return x.handle(s.User)
}

// covered reports whether a pattern of an authkey selects the channel.
func (x *explainer) covered(p graph.Pattern) bool { return p.Covers(graph.Pattern(x.Channel)) }

func (x *explainer) handle(id graph.UserID) string {
	if u, ok := x.graph.User(id); ok {
		return u.Handle
	}
	return "(removed user)"
}

// enabled reports whether the user exists and counts.
func enabled(g *graph.Graph, id graph.UserID) bool {
	u, ok := g.User(id)
	return ok && u.Enabled
}

func command(verb string, words ...string) string { return shell.Command("hpfriends "+verb, words...) }
