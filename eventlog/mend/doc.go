// Package mend makes blocks of old entries, and puts keys in place of others that cannot be read.
//
// A Maker makes a block of the entries of the log, and reads it back before it takes the place of anything: the first
// time, from the log's own entries, or again, from what another node says that they are.
//
// Replace is for keys of which Pebble cannot read the table. To write them again would not do: whoever goes along the
// keys, and each compaction, would still read the damaged table under them. So the new keys come in a table of their
// own, which takes the place of their span in all tables, in one edit of Pebble's manifest: a crash leaves all of
// before or all of after.
//
// A Maker is used by one goroutine. Replace needs that nobody writes in the span meanwhile.
package mend
