// Package store is what a node has on its disk beside the event log, and what is watched there for raft.
//
//   - Stable is the raft.StableStore: term, vote, identity and the log's high-water mark, each value with a checksum.
//   - note is the mark as of the newest append, unsynced.
//   - HighWater keeps that mark true to the log.
//   - Log is the raft.LogStore over the event log. It knows what raft forgets when a snapshot replaces a longer log.
//   - Disk says what there is room for.
//   - Stalls says how long a write has been under way.
//
// # Invariant
//
// The high-water mark never stands on an entry that is not synced, or is being deleted. A log that does not reach the
// mark has lost entries that were confirmed.
//
// # Concurrency
//
// Log and Stable are called as raft calls its stores; HighWater, Disk and Stalls from any goroutine. Watch ends when
// stop is closed.
//
// See DESIGN.md of raftfsm, "A full disk" and "A cluster".
package store
