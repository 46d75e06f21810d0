package importer

import (
	"cmp"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"hpfriends/definitions"
	"hpfriends/graph"
)

// Delivery is that a message which one authkey publishes on a channel reaches another.
type Delivery struct {
	Publisher  string `json:"publisher"` // idents
	Subscriber string `json:"subscriber"`
	Channel    string `json:"channel"`
}

// anyChannel stands for those that no list names, where "*" covers them.
const anyChannel = "any.other.channel"

// Deliveries calls yield with what the store delivers, channel by channel. What "*" alone covers is left out where it
// can be no channel here: a client has to be told to use such a name.
func (s Store) Deliveries(yield func(Delivery)) {
	for _, c := range s.channels() {
		for publisher, subscriber := range s.deliveriesOn(c) {
			yield(Delivery{publisher, subscriber, c})
		}
	}
}

// deliveriesOn yields the idents whose messages on a channel reach one another, by the lists.
func (s Store) deliveriesOn(c string) iter.Seq2[string, string] {
	return func(yield func(publisher, subscriber string) bool) {
		wild := s.Wildcard && exists(c)
		may := func(list []string) bool { return slices.Contains(list, c) || wild && slices.Contains(list, "*") }
		var readers []string
		for _, k := range s.Keys {
			if may(k.Sub) {
				readers = append(readers, k.Ident)
			}
		}
		for _, k := range s.Keys {
			if !may(k.Pub) {
				continue
			}
			for _, to := range readers {
				if !yield(k.Ident, to) {
					return
				}
			}
		}
	}
}

// exists reports whether a channel of this name can be published on and subscribed to here.
func exists(channel string) bool {
	return graph.ValidateChannel(channel) == nil && !strings.Contains(channel, "?") &&
		!strings.HasSuffix(channel, "..broker")
}

// channels are the names in the lists that a message can have, and one that is in none.
func (s Store) channels() []string {
	names := make(map[string]bool)
	for _, k := range s.Keys {
		for _, c := range slices.Concat(k.Pub, k.Sub) {
			if len(c) <= graph.MaxName {
				names[c] = true
			}
		}
	}
	if s.Wildcard {
		delete(names, "*")
		names[anyChannel] = true
	}
	return slices.Sorted(maps.Keys(names))
}

// Comparison is what flows before, by the flat lists, and after, by the graph.
type Comparison struct {
	Before  int        `json:"before"`
	After   int        `json:"after"`
	Missing []Delivery `json:"missing,omitempty"` // before, and not after
	Added   []Delivery `json:"added,omitempty"`   // the other way round
}

// Same reports whether nothing has changed.
func (c Comparison) Same() bool { return len(c.Missing) == 0 && len(c.Added) == 0 }

// Compare has the graph say of each publisher, subscriber and channel of the store whether a message is delivered, and
// compares that with what the lists say. The graph is the document's own, as Build makes it: what else a server has
// can only add to it. It tells how many of the channels are done.
func (s Store) Compare(d definitions.Document, tell func(done, total uint64)) Comparison {
	var c Comparison
	g, _ := definitions.Build(d, time.Unix(0, 0))
	channels := s.channels()
	for i, channel := range channels { // one at a time: of all together there may be millions
		tell(uint64(i), uint64(len(channels)))
		after := make(map[[2]string]bool)
		for a, b := range deliveries(g, channel) {
			after[[2]string{a, b}] = true
		}
		c.After += len(after)
		for a, b := range s.deliveriesOn(channel) {
			c.Before++
			if !after[[2]string{a, b}] {
				c.Missing = append(c.Missing, Delivery{a, b, channel})
			}
			delete(after, [2]string{a, b})
		}
		for one := range after {
			c.Added = append(c.Added, Delivery{one[0], one[1], channel})
		}
	}
	slices.SortFunc(c.Added, compareDeliveries)
	return c
}

// deliveries yields the idents whose messages on a channel reach one another, by the graph.
func deliveries(g *graph.Graph, channel string) iter.Seq2[string, string] {
	return func(yield func(publisher, subscriber string) bool) {
		if !exists(channel) {
			return
		}
		var readers []*graph.Authkey
		for k := range g.Authkeys() {
			if g.MaySubscribe(k, channel) == nil {
				readers = append(readers, k)
			}
		}
		reaches := make(map[graph.UserID]*graph.Reach)
		for k := range g.Authkeys() {
			if g.MayPublish(k, channel) != nil {
				continue
			}
			if reaches[k.Owner] == nil {
				reaches[k.Owner] = g.Reach(k.Owner, channel)
			}
			for _, to := range readers {
				if reaches[k.Owner].Has(to.Owner) && !yield(k.Ident, to.Ident) {
					return
				}
			}
		}
	}
}

func compareDeliveries(a, b Delivery) int {
	return cmp.Or(cmp.Compare(a.Channel, b.Channel), cmp.Compare(a.Publisher, b.Publisher),
		cmp.Compare(a.Subscriber, b.Subscriber))
}
