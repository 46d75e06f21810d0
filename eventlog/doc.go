// Package eventlog is the one store of a node: the Raft log and the event log are the same bytes in the same Pebble.
//
// LogStore appends entries and syncs them; that is the only time a message is written. Applying an entry writes small
// index keys, projections and the applied index in one unsynced Pebble batch (Tx). Everything else reads.
//
// # The one invariant
//
// Every key that is derived from entry i (its index keys, its projections) is written by the Tx that raises Applied to
// at least i, and never otherwise. So after any crash the derived keys are exactly those of the entries up to Applied,
// and applying again from Applied+1 gives the same store. Verify checks this in both directions. The one exception is
// Update, whose keys carry their own index.
//
// # What a reader may rely on
//
// A reader sees entries up to Applied and no further, so nothing that it has seen can be truncated. Bytes it is given
// (Entry.Data, Batch frames) are shared with the tail cache and with Raft: they are read-only. Iterators are opened and
// closed inside one call; a slow reader comes back with a position and pins nothing meanwhile.
//
// # Failing
//
// A write that fails, or a check of our own data on the write path that fails, ends the process through Config.Fatal:
// the store is never used past it and the caller is never answered. Damage found by a reader is returned to it as a
// *CorruptError. See DESIGN.md for why.
//
// # Concurrency
//
//   - LogStore: appending and truncating from Raft's main goroutine; GetLog from any.
//   - Begin, Tx: one goroutine, the FSM's. It may run concurrently with LogStore.
//   - All readers, Wait, Flush, Verify, Last, Term: any number of goroutines.
//   - Cold.Pack, Retention.Reclaim: any, one after the other.
//   - Close: once, when writers have stopped; it waits for readers that are inside a call and wakes those in Wait.
//
// # Where things are
//
//	log.go                     opening, bounds, high water   store.go, pebble.go  Pebble under our rules for failures
//	logstore.go, append.go     hashicorp/raft's view         tx.go, update.go     applying, and writing beside it
//	layout/, keys.go           every key, in one diagram     layout/record.go     how an entry is stored
//	read.go, index.go          entries, batches, by time     tail.go              cache of the newest
//	lookup.go                  ... by who published where    log.go, watermark/   applied, and waiting for it
//	verify.go, check/          checks the whole store, at once, or slowly and piece by piece
//	retention.go, sizemark.go  sizes and floors              reclaim.go           gives the space back
//	truncated.go               the entry before the floor    layout/, syndrome/   where damage lies
//	cold.go, cold/, block/     reads old entries in blocks   pack.go              makes blocks
//	audit.go, auditchain/      the chain of changes          storedgraph.go       graphs stored beside it
//	checkpoint.go, cursor.go   projections that are kept     changes.go           changes of the graph in the log
//	failstop/, inflight/       how it fails, and closes      ballast/, disk.go    its part of the disk
//
// The formats of the entries themselves are in package entry.
package eventlog
