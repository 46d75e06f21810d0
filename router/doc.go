// Package router delivers: it follows the log and hands each run of frames to the connections that may have it.
//
//   - Router reads every batch once, at the tail, and looks up who receives each run: those whose user is in the reach
//     of (origin, channel) by the graph in force at that position, and who are subscribed to the channel.
//   - Subscriber is one connection. Its outbox is bounded in bytes. While it keeps up it is fed from the tail, by
//     reference. When its outbox overflows it turns into a reader of the log at its own pace, by channel index, and
//     returns to the tail when it has caught up: no gap, no repeat. A subscription to past messages is the same,
//     begun further back.
//
// # Invariant
//
// A subscriber gets the messages it is entitled to in log order, each at most once. Each entry is the business of
// either the tail or the subscriber's reader, never both: liveFrom says where the one ends and the other begins.
//
// # Who decides
//
// A message goes to those in the reach at its own position. A reader that lags also asks the newest graph, so that a
// removed share or a disabled user takes effect on everything not yet written; when a change revokes anything, queued
// frames are given back to the log and read again under that rule. What was in the log before a subscription was made
// is history: it goes to who may replay it by the newest graph.
//
// # Concurrency
//
// Run is one goroutine. Subscribe, Unsubscribe and Close may be called from any. A subscriber that has frames to write
// has one goroutine, which it starts when the first is queued and which ends when all are written; an idle one has
// none.
package router
