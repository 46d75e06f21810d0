// Package passwords hashes passwords with argon2id, and bounds how many are hashed at once: logins would exhaust the
// memory and the processors otherwise.
//
// # Invariant
//
// However many guess, who is known waits for those that are being hashed, and for others who are known. A stranger goes
// before those whose site and address have guessed more of late. So only somebody is kept out of whom no more can be
// told than of the guesses: then the first have the places.
//
// A program whose main calls ServeBeside has the hashes computed by processes beside it, which it starts when they are
// needed: an own scheduler keeps them from the way of those who publish and read.
//
// # Concurrency
//
// A Hasher may be used by any number of goroutines.
package passwords
