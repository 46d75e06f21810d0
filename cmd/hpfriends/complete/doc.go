// Package complete says what can stand where the cursor is on a command line: commands, flags, the words that a flag
// takes, and the names that the server of that line has at the moment (users, groups, authkeys, channels, shares ...).
//
// The scripts for bash, zsh and fish ask the program itself for that, as Word and the words up to the cursor, the last
// of which may be empty or unfinished. The answer is a line for each candidate: the value, a tab, and what it is.
//
// Names are those that others have chosen. Its invariant: a script gives no candidate to its shell other than as one
// word of text, and none that has a control character is told. A server that does not answer soon has no names.
package complete
