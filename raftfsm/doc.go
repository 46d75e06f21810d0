// Package raftfsm is one member of the raft group: it proposes entries through hashicorp/raft, has package apply apply
// what was committed, and keeps the cluster in shape.
//
//   - Node owns raft: start, identity, proposals, the high-water mark, shutdown order.
//   - Ingest collects the frames of all connections into batches and proposes them, each exactly once.
//   - Recorder collects what a node counts and refuses, and proposes it as reports.
//   - Cursors claims and moves the cursors of durable subscriptions; Deliveries turns acknowledged bytes into
//     positions.
//
// # Invariant
//
// A proposal is applied, certainly not applied, or of unknown outcome, and its error says which. Whatever is proposed
// again carries a number by which it is applied once.
//
// # Concurrency
//
// Everything exported by Node, Ingest, Recorder and Cursors may be called from any goroutine. The newest graph is one
// atomic load.
//
// # Where things are
//
//	node.go, propose.go, flight.go, sequencer.go  proposals, here or at the leader, batches in order
//	apply/  what Apply keeps
//	checkpoint.go, snapshots.go, retention.go  the state at an entry, and who gets it in place of entries
//	divergence.go  nodes compare what they hold
//	cluster.go, join.go, admission.go, learnedConfiguration.go, housekeep.go, removal.go  being a member
//	operate.go, drain.go, quorum.go, status.go, recover.go  what operators do and see
//	herald.go, starvation.go, stalls.go, store.go, highwater.go, space.go  what raft and disks need to be watched for
//	link/  the port between nodes
//
// See DESIGN.md for outcomes, retries and the crash cases.
package raftfsm
