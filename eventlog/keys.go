package eventlog

import (
	"time"

	"hpfriends/eventlog/layout"
)

// Space is the part of the store that one projection owns. Its keys are the projection's own.
type Space byte

// The projections.
const (
	SpaceAudit       Space = 'a' // accepted changes, by index (IndexKey), see audit.go
	SpaceCursors     Space = 'c' // durable subscriptions
	SpaceGraph       Space = 'g' // stored graphs, see storedgraph.go
	SpaceCheckpoints Space = 'k' // checkpoints, see checkpoint.go
	SpaceLogs        Space = 'l' // refusals, the Logs page
	SpaceMeta        Space = 'm' // single values
	SpaceRecent      Space = 'r' // refusals of all owners, the newest first
	SpaceChannels    Space = 'n' // who published how much on which channel
	SpaceSessions    Space = 'o' // ingest sessions and their last sequence number
	SpaceStats       Space = 's' // statistics per authkey
	SpaceTrail       Space = 't' // the audit as it is shown, by whom it concerns
	SpaceLocal       Space = 'w' // this node's own: no snapshot carries or replaces it
)

// installed are the spaces that a snapshot replaces. What a node counts of the channels it counts from its own log,
// and its trail it makes of the audit.
var installed = []Space{
	SpaceAudit, SpaceCursors, SpaceGraph, SpaceCheckpoints, SpaceLogs, SpaceRecent, SpaceMeta, SpaceSessions,
	SpaceStats,
}

// KeyNewestRefusal is a key of SpaceMeta: the index of the entry that changed SpaceLogs last, as an IndexKey.
var KeyNewestRefusal = []byte("newest-refusal")

// RecentKey is the key of a refusal in SpaceRecent, by when it was last seen and its key in SpaceLogs.
func RecentKey(last time.Time, row []byte) []byte {
	return append(IndexKey(^uint64(last.UnixNano())), row...)
}

func spaceKey(space Space, key []byte) []byte {
	return append(append(make([]byte, 0, 1+len(key)), byte(space)), key...)
}

// spaceBounds are the keys [from, to) of a space; a nil to means to its end.
func spaceBounds(space Space, from, to []byte) (lower, upper []byte) {
	if to == nil {
		return spaceKey(space, from), []byte{byte(space) + 1}
	}
	return spaceKey(space, from), spaceKey(space, to)
}

// IndexKey is the key of a projection that is ordered by log index.
func IndexKey(index uint64) []byte { return layout.IndexKey(index) }

// ParseIndexKey is the inverse of IndexKey; ok is false for a key of another length.
func ParseIndexKey(key []byte) (index uint64, ok bool) { return layout.ParseIndexKey(key) }

// AppendChannelPrefix is layout.AppendChannelPrefix, for the keys of projections.
func AppendChannelPrefix(key []byte, prefix string) []byte {
	return layout.AppendChannelPrefix(key, prefix)
}

// AppendChannel is layout.AppendChannel.
func AppendChannel(key []byte, channel string) []byte { return layout.AppendChannel(key, channel) }

// CutChannel is layout.CutChannel.
func CutChannel(key []byte) (channel string, rest []byte, ok bool) { return layout.CutChannel(key) }
