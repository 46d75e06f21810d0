// Package who finds out who sends a request, and from where.
//
// On the local socket in the data directory, which only its owner can open, a request is the operator's; with the
// header api.AsHeader it is that user's, and with api.ForHeader what the operator does for that user, by the operator's
// rights and limits. On TCP it carries an API token; only to make the first token it may carry handle and password
// instead. A page is asked for with the cookie of a login session. Tokens and sessions are in the graph, and so count
// on each node and end on each at once.
//
// # Invariant
//
// Who a request comes from is decided by what the caller proves, never by what it says: api.AsHeader and api.ForHeader
// are refused on TCP, and X-Forwarded-For is believed only as far as a trusted proxy wrote it. What the actor may do is
// for the graph to decide.
//
// # Concurrency
//
// An Authenticator may be used by many goroutines.
package who
