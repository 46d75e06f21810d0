// Package raftfsm turns the replicated log into state: it proposes entries through hashicorp/raft and applies what was
// committed to the projections.
//
//   - Node owns raft: start, identity, proposals, the high-water mark, shutdown order.
//   - FSM applies entries: index keys, the graph and its versions, statistics and refusals, ingest sessions.
//   - Ingest collects the frames of all connections into batches and proposes them, each exactly once.
//   - Recorder collects what a node counts and refuses, and proposes it as reports.
//   - Cursors claims and moves the cursors of durable subscriptions; Deliveries turns acknowledged bytes into positions.
//
// # Invariant
//
// Applying entry i is a function of the state after i-1 and the bytes of i. Nothing in Apply reads a clock, waits for a
// network, a subscriber or a lock that such a one could hold, and nobody is called from it: readers follow the log.
//
// # Concurrency
//
// FSM methods are called by raft's FSM goroutine only. Everything exported by Node, Ingest, Recorder and Cursors may be called from
// any goroutine. The newest graph is one atomic load.
//
// # Where things are
//
//	node.go, propose.go, flight.go, sequencer.go  proposals, here or at the leader, batches in order
//	fsm.go, change.go, sessions.go, activity.go, cursorstate.go, roster.go, jointokens.go  what Apply keeps
//	checkpoint.go, controlstate.go, snapshots.go, restore.go, retention.go  the state at an entry, and who gets it in place of entries
//	divergence.go  nodes compare what they hold
//	cluster.go, join.go, admission.go, hearsay.go, housekeep.go, expulsion.go  being a member
//	operate.go, drain.go, quorum.go, status.go, recover.go  what operators do and see
//	herald.go, hunger.go, stalls.go, store.go, highwater.go, space.go  what raft and disks need to be watched for
//	link/  the port between nodes
//
// See DESIGN.md for outcomes, retries and the crash cases.
package raftfsm
