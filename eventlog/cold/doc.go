// Package cold keeps the old entries of the log in blocks (package block), as keys of the same store.
//
// A block is immutable and has all of a stretch of the log: its entries, and in place of the keys that are derived of
// each of them the marks of all and a stripe for each series. It is named by its last entry.
//
//	'K'  last index u64                           head, see Head
//	'M'  last index u64                           marks of its entries, see Mark
//	'P'  last index u64, part u32                 the bytes of the block, 32 KiB each: one object, cut
//	'Y'  origin, channel, last index u64          stripe: which of its entries hold that series, see AppendPositions
//
// Parts are written first, some at a time. Then one synced batch of the store writes all other keys and removes what
// they replace. So parts without a head are the beginning of a block that a crash has prevented: nobody reads them,
// and Leftovers finds them. Nothing else of a block can be there without all of it.
//
// Blocks reads, of the store or of a snapshot; Cache keeps what was unpacked. Both may be used by any goroutine.
package cold
