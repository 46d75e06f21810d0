package broker

import (
	"hash/maphash"
	"sync"
	"time"

	"hpfriends/graph"
)

// DefaultChannels is how many different channels a user's authkeys publish on in a day, at a node, if nothing else is
// set. Each stays in the directory of channels for as long as the log keeps its messages, so made-up names must end.
const DefaultChannels = 10_000

const (
	// maxNames bounds the memory for all users, about 40 MiB. Beyond it users have equal shares.
	maxNames = 1 << 20
	// leastNames are what a user has in any case.
	leastNames = 100
)

// channelNames counts the channels that users publish on in a day. It keeps hashes: two channels that share one count
// as one.
type channelNames struct {
	most int
	seed maphash.Seed

	mu    sync.Mutex
	day   int64 // since 1970, by the node's clock
	total int
	users map[graph.UserID]map[uint64]struct{}
}

func newChannelNames(most int) *channelNames {
	if most == 0 {
		most = DefaultChannels
	}
	return &channelNames{most: most, seed: maphash.MakeSeed(), users: make(map[graph.UserID]map[uint64]struct{})}
}

// allow reports whether a user may publish on a channel: on one of today, or on a new one while there are few enough.
func (n *channelNames) allow(user graph.UserID, channel string, now time.Time) bool {
	hash := maphash.String(n.seed, channel)
	day := now.Unix() / (24 * 60 * 60)
	n.mu.Lock()
	defer n.mu.Unlock()
	if day != n.day {
		n.day, n.total = day, 0
		clear(n.users)
	}
	names := n.users[user]
	if names == nil {
		names = make(map[uint64]struct{})
		n.users[user] = names
	}
	if _, known := names[hash]; known {
		return true
	}
	most := n.most
	if n.total >= maxNames {
		most = min(most, max(leastNames, maxNames/len(n.users)))
	}
	if len(names) >= most {
		return false
	}
	names[hash] = struct{}{}
	n.total++
	return true
}

// mayName decides whether a user may publish on a channel, by how many there are already. Admins may on any number.
func (b *Broker) mayName(g *graph.Graph, user graph.UserID, channel string) bool {
	if u, ok := g.User(user); ok && u.Role == graph.Admin {
		return true
	}
	return b.names.allow(user, channel, b.Node.Now())
}
