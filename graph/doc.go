// Package graph is the sharing domain of hpfriends: who the users are, who shares which channels with whom, who has
// accepted, and what follows from it. It is pure: no clock, no I/O, no randomness, nothing but the standard library.
//
//   - Graph is one immutable state. Apply decides a Command and returns the next state, or an *Error that says why not.
//   - Reach is who receives what a user publishes on a channel, and from which position on. View keeps reaches up to
//     date while the graph changes ("the flat format"): it costs what a change touches, not what the graph holds.
//   - MayPublish, MaySubscribe and MayLogin (authorize.go) and what a Viewer may see (viewer.go) are the one place of
//     authorization; hpfeeds sessions, the API and the pages ask the same functions. Changes are authorized by Apply.
//   - Diff says how two graphs differ, and Difference.Concerns whom that concerns; Viewer.At shows an old graph by the
//     rights of now.
//   - Package explain says why a message flows from one user to another, or what is missing.
//   - Package version is the list of states that readers of the log walk along.
//
// # Invariant
//
// A graph is a function of the commands applied and their log indexes: equal histories give graphs with equal
// encodings, on every node and with every release. So nothing here depends on map order, on the clock or on Unicode
// tables, and an accepted command stays accepted. What a graph refers to exists: removing an object removes what
// depends on it, and a decision is there only as long as its user is a receiver of its share.
//
// # Time
//
// Expiry takes effect only by the Expire command, at its position in the log, so all nodes switch at the same place.
// Until then a share whose time has come still counts; NextExpiry says when to propose it. MayLogin alone compares with
// the time that its caller gives.
//
// # Adding an operation
//
// Its arguments are a struct in operation.go with a row in the table there, which says all that the log, the audit and
// the readers of old versions need. Its authorize and apply methods stand beside the objects that it changes. The
// golden history of the tests needs it too; the audit's events are checked with the same history.
//
// # Choices
//
// The last enabled admin of the server is for the operator alone to end. That is decided at the change's place in the
// log, so of two who leave at two nodes at once one stays. The last admin of a group cannot leave or be removed from it
// or step down; the last member removes the group instead. A user who is removed takes along the groups in which they
// were alone. Handles and group names are compared without regard to the case of a-z, idents are compared exactly. One
// may share with any group, also from outside.
//
// # Concurrency
//
// A Graph and all that it returns may be read by any number of goroutines and must not be changed by them. Apply may be
// called by any. A View and the reaches it returns belong to one goroutine.
//
// # Where things are
//
//	types.go                     the words of the domain       reach.go         who receives, from scratch
//	operation.go, command.go     the changes, in one table     reach_update.go  ... after a change
//	graph.go                     Graph, New, Apply             view.go          the reaches in use
//	user.go, group.go, share.go  lookups and changes, each     delta.go         what a change has touched
//	authkey.go, token.go         ... of its objects            explain/         why, or why not
//	expire.go                    what is due                   snapshot.go      a stored graph
//	authorize.go, viewer.go      who may do and see what       version/         the list of states
//	name.go, pattern.go          what may be called what       tree/            the persistent map under it all
//	diff.go                      how two graphs differ         invitation.go    who may come
//	due/, limit/                 when; how much a member       codec/           the bytes of a stored graph
package graph
