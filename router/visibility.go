package router

import "hpfriends/graph"

// visibilityChannels bounds what one reader remembers.
const visibilityChannels = 4096

// visibility is what one user may see by one version of the graph. It belongs to one reader.
type visibility struct {
	user    graph.UserID
	version *graph.Version
	memo    map[string]graph.Sources // by channel
}

func newVisibility(user graph.UserID, v *graph.Version) visibility {
	return visibility{user, v, make(map[string]graph.Sources)}
}

// advance makes another version decide.
func (v *visibility) advance(to *graph.Version) {
	if to != v.version {
		v.version = to
		clear(v.memo)
	}
}

// visibleFrom is the log index from which on the user may see what origin publishes on channel.
func (v *visibility) visibleFrom(origin graph.UserID, channel string) (from uint64, ok bool) {
	sources, known := v.memo[channel]
	if !known {
		if len(v.memo) >= visibilityChannels {
			clear(v.memo)
		}
		sources = v.version.Graph.Sources(v.user, channel)
		v.memo[channel] = sources
	}
	return sources.VisibleFrom(origin)
}
