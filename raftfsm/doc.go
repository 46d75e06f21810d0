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
//	node.go, propose.go, future.go, flight.go, sequencer.go  proposals, here or at the leader, batches in order
//	checkpoint.go, snapshots.go, retention.go, maintenance.go  the state at an entry, and who gets it in place of entries
//	members.go, directory.go, learned.go, join.go, admission.go, removal.go  being a member
//	handler.go, calls.go, coordinator.go, reconcile.go, divergence.go  what members do for each other
//	operate.go, drain.go, status.go, recover.go, check.go  what operators do and see
//	apply/      what Apply keeps: the FSM and its projections
//	store/      what lies beside the log: stable store, high-water mark, free space, stalled writes
//	report/     what was counted and refused, until the next report
//	level/      which entries the members know
//	raftlog/    what raft logs, to slog
//	survey/     what follows from what the members say of themselves
//	transport/  between raft and the cluster port: commit notifications, throttle, admission of entries
//	link/       the port between nodes
//
// See DESIGN.md for outcomes, retries and the crash cases.
package raftfsm
