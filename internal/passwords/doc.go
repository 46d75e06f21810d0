// Package passwords hashes passwords with argon2id, and bounds how many are hashed at once: logins would exhaust the
// memory and the processors otherwise.
//
// # Invariant
//
// Who has been proven before, and a stranger from where nobody has guessed of late, waits for those that are being
// hashed and no others of their kind, however many guess: see Claim.
//
// # Concurrency
//
// A Hasher may be used by any number of goroutines.
package passwords
