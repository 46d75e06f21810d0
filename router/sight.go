package router

import "hpfriends/graph"

// sightChannels bounds what one reading remembers.
const sightChannels = 4096

// sight is what one user may see by one version of the graph. It belongs to one reading.
type sight struct {
	user    graph.UserID
	version *graph.Version
	memo    map[string]graph.Sources // by channel
}

func newSight(user graph.UserID, v *graph.Version) sight {
	return sight{user, v, make(map[string]graph.Sources)}
}

// move makes v the version by which it sees.
func (s *sight) move(v *graph.Version) {
	if v != s.version {
		s.version = v
		clear(s.memo)
	}
}

// visibleFrom is the log index from which on the user may see what origin publishes on channel.
func (s *sight) visibleFrom(origin graph.UserID, channel string) (from uint64, ok bool) {
	sources, known := s.memo[channel]
	if !known {
		if len(s.memo) >= sightChannels {
			clear(s.memo)
		}
		sources = s.version.Graph.Sources(s.user, channel)
		s.memo[channel] = sources
	}
	return sources.VisibleFrom(origin)
}
