// Package entry is what the log holds: the kinds of entries and how each is encoded. It is pure: bytes in, values out.
//
// The first byte of an entry's data is its Kind, which says who reads the rest. Kinds is the one table of them. The
// diagram of each format stands above its encoder; a changed format needs a new version byte and new golden bytes.
package entry
