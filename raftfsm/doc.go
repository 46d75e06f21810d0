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
// See DESIGN.md for outcomes, retries and the crash cases.
package raftfsm
