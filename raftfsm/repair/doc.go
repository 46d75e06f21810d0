// Package repair gets what is damaged on this node's disk from the other members.
//
// Blocks of old entries that a reader, Verify or the scrub finds damaged (eventlog.Cold.Damaged) are read once more,
// fetched from the members, one after the other, and put back. A block counts as what was lost when it has the checksum
// that the damaged one had; if it has not, since another program packed it or its head is damaged, two members have to
// say the same of each entry. What cannot be repaired is said, with why, and tried again after a minute, two, four, up
// to an hour.
//
// It is not urgent: one block at a time, in pieces of 1 MiB, and after each the asking node rests as long as that took.
// A member answers one such question at a time.
//
// A Repairer's methods may be called by any goroutine; Run belongs to one.
package repair
