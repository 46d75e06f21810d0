// Package transport is what stands between raft and the cluster port. Transport is a raft.Transport over another, in
// three layers, each a transport over the next:
//
//   - notifier tells followers of a commit at once, not with the next entries.
//   - throttle brings a follower that is far behind up in pieces of a size, so that messages come first.
//   - admission refuses entries for which this node has no room, before raft sees them.
//
// # Invariant
//
// Whatever any layer sends, raft could have sent itself at that moment: each is a whole AppendEntries request, of
// entries that this node has, to a follower that confirmed what stands before them.
//
// # Concurrency
//
// All methods may be called from any goroutine. Nothing is admitted or notified before Run, which ends when stop is
// closed.
//
// See DESIGN.md of raftfsm, "A cluster".
package transport
