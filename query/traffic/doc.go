// Package traffic is the projection of the batches that says who published how much on which channel, and where in the
// log. It follows the log as any reader does, so applying an entry costs nothing more, and it is brought up to Applied
// by whoever asks. What a viewer may see of it is for package query to decide.
//
// The log is cut into segments. The open one is in memory, and what it holds is written when it is sealed: for each
// series that occurs in it, a history record and the series' new totals (record.go has the formats). After a restart
// the open segment is read again. A segment ends before each change of the graph, so that what a share shows begins
// with a segment, and when it has become large, so that a part of one is read quickly.
//
// The series lie by channel and origin, and their names once more by origin, so that who receives from few finds what
// they receive among whatever others have published.
//
// # Invariant
//
// The records equal what counting the log up to their cursor gives. Verify compares the two; records of a log that this
// node does not hold are dropped and counted again.
//
// # Concurrency
//
// There is one Projection for a log, since it writes. Its methods may be called from any goroutine; a Counter belongs
// to one goroutine. Verify is for a log that no server uses.
package traffic
