// Package load is the other side of a measurement: users, publishers and subscribers that load a server through real
// sockets.
//
// It is written for speed and not for safety: frames are built once and sent many times, what is received is counted
// and thrown away, and a broker's answers are trusted. Tests and measurements use it, nothing that serves does.
// Counters are atomic and read while they grow. The goroutines of a measurement belong to a crew, whose End closes
// their connections and waits for them.
package load
