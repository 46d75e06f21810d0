// Package backup writes the log of a node into one file, reads such files, and makes a data directory of them. It knows
// no network: a running server writes the file into an answer of the API.
//
//	+------------+-------------+----------+-----+--------+-----+-----+
//	| "hpfback1" | description | snapshot | ... | block  | ... | end |
//	+------------+-------------+----------+-----+--------+-----+-----+
//
//	section      kind u8, length u32, crc32c u32 of kind, length and content, content
//	description  'D', JSON: see Description
//	snapshot     'S', a part of what package raftfsm/apply writes: the state behind which the entries go on; none if
//	             they begin with the first of the log, or go on from an older backup
//	block        'B', of package eventlog/block
//	end          'E', JSON: see End; or 'X', text: why the writer gave up
//
// The invariant: a file that Verify accepts is byte for byte what was written, and Restore makes of it the log of the
// original up to Last: the same entries at the same positions, and the same state.
//
// A Source reads one moment of the log; nothing that is written or removed meanwhile changes what it writes. All of
// this is used by one goroutine at a time.
package backup
