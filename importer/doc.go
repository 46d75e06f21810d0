// Package importer reads the key stores of other hpfeeds brokers, and says what they allow as a sharing graph.
//
//   - A reader (SQLite, JSON, Env, Mongo, SQL, HpfeedsRS) makes a Store of what a broker would find there: one Key for
//     each ident that can log in, with the lists that it would look into, and a Problem for all that it would stumble
//     over. Readers change nothing, and run no program.
//   - Store.Plan makes definitions.Document of a Store: a user for each owner, their authkeys, and the shares and
//     acceptances by which everything flows as before.
//
// # What a flat list means
//
// In those brokers a channel is a room: what key A publishes on C reaches key B exactly if C is in A's publish list and
// in B's subscribe list, whoever owns them. Here the authkeys keep those lists, and beside them a user receives what
// another shares with them. So for two owners U and V there is a share of U with V, enabled by V, for each channel that
// a key of U may publish on and a key of V may subscribe to, and no other. Keys of one owner need none. The shares are
// of type own: all would deliver the same at first, and pass on what V receives as soon as V shares anew.
//
// No group is made: its members would be offered what they could not subscribe to before, and its admin would decide
// for others, which no owner of a key could.
//
// # Names
//
// A name that a store holds is an exact one, also where it has a * in it, which stands for many channels here; only
// hpfeeds-rs knows "*", as all channels. What cannot be said here is a Problem. It is lossy if a message would have
// been delivered by it; else it changes nothing and is told as a note.
package importer
