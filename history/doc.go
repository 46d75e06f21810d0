// Package history is what reads past messages have in common: which of them one user may see (Rights), and where in the
// log they are (Cursor). The router's readers and those of package query are made of the two.
//
// # Invariant
//
// A Cursor leaves out no entry with a message that Rights allows. It may offer others: who reads looks at what an entry
// holds in any case, and asks Rights about it.
//
// # Concurrency
//
// Rights and Cursor belong to one goroutine each.
package history
