// Package replay publishes past messages again, for users who have asked for it by the API or on a page. It is what the
// command `hpfriends replay` does on the client's side, without the secret of the authkey: messages are read as their
// user may read them, and published unchanged with one of their own authkeys, at a pace.
//
// A replay runs on the node that was asked, which alone knows of it, until it is through, is stopped, or the node ends.
// It outlives the session that began it; it ends with the right to read or to publish, whichever goes first.
//
// # Invariant
//
// What is replayed ends where the log ended when the replay began: no replay reads what it has published.
//
// # Concurrency
//
// A Replays may be used by any number of goroutines. Close ends all replays and waits for them.
package replay
