// Package term writes for people: text that no attacker can turn against their terminal, tables, times, progress.
//
// Everything that others wrote (idents, channels, payloads, comments, error texts) goes through Visible, AppendVisible
// or a function of this package that does so.
package term
