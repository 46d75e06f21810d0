package history

import (
	"slices"

	"hpfriends/graph"
)

// maxChannels bounds what one reader remembers.
const maxChannels = 4096

// Rights is what one user may see of the past by one graph. It is the eventlog.Origins of that.
type Rights struct {
	graph  *graph.Graph
	user   graph.UserID
	memo   map[string]graph.Sources // by channel
	shared *Memo                    // of Within; nil: none

	// The shares that the user has enabled, when they were looked for: without one nothing of others comes, and no way
	// needs to be looked for.
	looked   bool
	exact    map[string][]*graph.Share // by channel
	prefixes []*graph.Share
}

// NewRights returns what a user may see by a graph.
func NewRights(g *graph.Graph, user graph.UserID) *Rights {
	return &Rights{graph: g, user: user, memo: make(map[string]graph.Sources)}
}

// VisibleFrom is the log index from which on the user may see what origin publishes on channel; ok is false if they may
// not at all.
func (r *Rights) VisibleFrom(origin graph.UserID, channel string) (from uint64, ok bool) {
	if origin != r.user && !r.mayReach(origin, channel) {
		return 0, false
	}
	return r.sources(channel).VisibleFrom(origin)
}

// sources costs what the user has enabled, and those have whom they receive from.
func (r *Rights) sources(channel string) graph.Sources {
	s, known := r.memo[channel]
	if !known {
		if len(r.memo) >= maxChannels {
			clear(r.memo)
		}
		s = r.graph.Sources(r.user, channel)
		r.memo[channel] = s
	}
	return s
}

// mayReach reports whether a share could be the last of a way from the origin: most are ruled out by it.
func (r *Rights) mayReach(origin graph.UserID, channel string) bool {
	r.look()
	last := func(s *graph.Share) bool {
		return (s.Type == graph.All || s.Owner == origin) && s.Channel.Match(channel)
	}
	return slices.ContainsFunc(r.exact[channel], last) || slices.ContainsFunc(r.prefixes, last)
}

func (r *Rights) look() {
	if r.looked {
		return
	}
	r.looked, r.exact = true, make(map[string][]*graph.Share)
	for s := range r.graph.AcceptedBy(r.user) {
		switch channel := string(s.Channel); {
		case s.Expired:
		case s.Channel.IsPrefix():
			r.prefixes = append(r.prefixes, s)
		default:
			r.exact[channel] = append(r.exact[channel], s)
		}
	}
}

// On returns the origins that the user sees on a channel.
func (r *Rights) On(channel string) []uint64 { return origins(r.sources(channel)) }

// Within returns the origins that the user may see on any channel that begins so. They are shared: nobody changes them.
func (r *Rights) Within(prefix string) []uint64 {
	compute := func() []uint64 { return origins(r.graph.SourcesWithin(r.user, prefix)) }
	if r.shared == nil {
		return compute()
	}
	return r.shared.find(r.graph, bound{r.user, prefix}, compute)
}

// From is VisibleFrom.
func (r *Rights) From(origin uint64, channel string) (first uint64, selected bool) {
	return r.VisibleFrom(graph.UserID(origin), channel)
}

// origins are in order, so that one look in the log is near the one before it.
func origins(s graph.Sources) []uint64 {
	all := make([]uint64, 0, s.Len())
	for o := range s.Origins() {
		all = append(all, uint64(o))
	}
	slices.Sort(all)
	return all
}
