// Package demo shows a server at work: the command hpfriends demo.
//
// It starts a server of this program in a temporary directory, adds users and shares through the API, and plays
// simulated attacks that sensors publish over hpfeeds; the same seed plays the same attacks. It prints who receives
// what and why, as a user's own tools would learn it. All that it started and wrote is gone when it returns.
package demo
