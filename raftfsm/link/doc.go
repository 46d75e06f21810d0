// Package link is the cluster port: one listener that carries raft, the calls from node to node, and joining, over TLS
// 1.3 with the cluster's own certificate authority.
//
//   - Identity is who a node is: certificate, key and the cluster's Authority, in one file of the data directory.
//   - Port listens and dials. Transport is raft's view of it, Call and Handler are the program's.
//   - Token and Join bring a new node in; Admission is what the members' side decides.
//   - Bound.Check refuses data directories that are not the identity's own.
//
// # Invariant
//
// Nothing that a peer sends is decoded, beyond TLS and a greeting of fixed size, before its certificate was verified
// against the cluster's authority and its node id was found in the current configuration. Dialing, nothing is sent
// before the answering node proved to be the one that was meant. The join handshake is the one exception: it decodes
// one message of at most 4 KiB from a stranger.
//
// # Outcomes
//
// An error of Call is one of three: ErrNotDone (certainly not handled), ErrUnknownOutcome, or the handler's *Failure.
//
// # Concurrency
//
// All exported methods may be called from any goroutine. Open starts goroutines; Close ends every connection and waits
// for all of them, handlers included. Members, Handler and Admission are called from many goroutines at once. Members
// is asked under no lock, and must not block.
//
// See DESIGN.md for the threat model, the formats, and what the raft transport changes and why.
package link
