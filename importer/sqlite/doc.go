// Package sqlite reads the tables of an SQLite 3 database file: enough for the key stores of hpfeeds brokers, and for
// nothing to be linked or run that can do more. It never writes, not even a journal.
//
// A driver was weighed: modernc.org/sqlite adds 4.8 MB to the program, nine modules, and 48 s of processor time to a
// build from nothing. What is needed of the format is a walk over the pages of a table, which is in this package.
//
//   - Open takes the lock that SQLite's own readers take, so that no writer changes pages meanwhile, and takes what is
//     committed in a write-ahead log for what is in it. A database whose last writer died in the middle of a change is
//     refused: to roll it back would be to write.
//   - Rows walks a table. Indexes, views, virtual tables and tables without row ids are not read.
//
// The format is https://www.sqlite.org/fileformat2.html; the comments name its sections.
//
// # Invariant
//
// A file is input like any other: whatever is in it, reading ends, with rows or with ErrDamaged, and takes memory in
// proportion to the file.
//
// # Concurrency
//
// A Database may be read by one goroutine at a time. On Linux, closing any descriptor of the file within this process
// gives up the lock: do not open it otherwise meanwhile.
package sqlite
