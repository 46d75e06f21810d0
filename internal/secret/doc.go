// Package secret keeps what must not be seen: secrets of authkeys, passwords, API tokens.
//
//   - Secret is text that prints as *** wherever it goes: fmt, slog, JSON, panics.
//   - DataKey seals the secrets of authkeys, which the broker must be able to read: hpfeeds proves the knowledge of a
//     secret by SHA1(nonce, secret). The key lies in a file of its own, never in the log, a snapshot or a backup.
//   - NewToken, NewIdent and NewPassphrase are the random values that the program hands out.
//
// # Invariant
//
// No error and no printed value of this package holds a secret. The only way to the text of a Secret is Reveal, so that
// all places that show one can be found by that name.
//
// # Concurrency
//
// Everything here may be used by any number of goroutines.
package secret
