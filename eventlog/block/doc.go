// Package block packs a stretch of the log into one immutable block, and reads it back: the whole in the order of the
// log, or only what some origins published on some channels. It is pure: bytes in, values out.
//
// A batch of the log holds what came in at the same time, from everybody, on every channel, so it packs badly (a
// batch of one message not at all), and one channel is read by reading all. A block has the same messages arranged by
// channel, origin and position, in chunks that are compressed on their own. A stripe is all that one origin published
// on one channel within the block; it lies in neighbouring chunks, and the directory says in which.
//
// An entry survives: what comes out of a block, encoded again, has the term, type, times, session, sequence number,
// runs and frames that went in. It has the same bytes too, as long as the compressor is the one that wrote the block.
//
//	+--------+--------+-----+--------+---------+----------+-----------+--------+
//	| header | chunk  | ... | chunk  | samples | envelope | directory | footer |
//	| 8      |        |     |        |         |          |           | 60     |
//	+--------+--------+-----+--------+---------+----------+-----------+--------+
//
//	header     "hpfblk", version u16
//	chunk      the table of its runs, and their payloads, see chunk.go
//	samples    payloads from all over the block, the dictionary by which chunks are packed
//	envelope   of each entry what is not in its runs, see envelope.go
//	directory  channels, publishers, stripes and where the chunks are, see directory.go
//	footer     first index u64, last index u64, and of samples, envelope and directory: bytes u32, unpacked bytes u32,
//	           crc32c u32; "hpfb", crc32c u32 of the footer before it
//
// Fixed numbers are big endian, others varints as in encoding/binary, signed ones zigzag. Every section is one zstd
// frame, or two for a chunk, without a checksum of zstd's own. Sections follow each other without a gap and each is
// covered by a checksum, so that any changed byte is noticed by who reads it, and by Verify.
package block
