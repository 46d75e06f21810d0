// Package apply turns committed entries into state: FSM keeps the projections of the log, in memory and in the store.
//
//   - FSM applies entries: index keys, the graph and its versions, ingest sessions, statistics and refusals, cursors,
//     join tokens, the vault, the configuration of the cluster.
//   - Pin is the state at a checkpoint, which is read beside Apply. WriteControlState writes it, DigestControlState
//     hashes it.
//   - WriteSnapshot writes what a node gets in place of entries that are gone, FSM.Restore reads it.
//   - Result is what became of an entry, on its way to the node that proposed it.
//
// # Invariant
//
// Applying entry i is a function of the state after i-1 and of the bytes of i. Nothing here knows a raft node or a
// network, and nothing in Apply reads a clock or waits for a lock that a subscriber could hold. Apply calls nobody:
// readers follow the log, the list of graph versions and the list of cursor endings.
//
// # Concurrency
//
// Apply, ApplyBatch and Restore are called by one goroutine. Version, Configuration, CursorEndings, JoinToken, Vault,
// CheckpointMark and Pins may be called from any goroutine.
package apply
