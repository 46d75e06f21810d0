// Package restore makes a new data directory of the state and the entries of a backup: what a node has that is the only
// member of a new cluster, and whose log is the old one up to the end of the backup.
//
// The invariant: a directory that is not finished says so in a file of its own, which is written first and synced, and
// no server starts on it. A Target is used by one goroutine.
package restore
