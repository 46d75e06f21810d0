// Package proc runs servers of this program in processes of their own, for tests, measurements and the demo, and reads
// from /proc what they take of the machine.
//
// Who launches a process ends it, with Stop or Kill, both of which wait: nothing is left behind. A process is driven
// as an operator would, through its sockets, its data directory and signals, and never through shared memory. A
// Process may be used from any goroutine.
package proc
