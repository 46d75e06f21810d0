// Package bench measures server processes through real sockets: the command hpfriends bench.
//
// Each scenario starts fresh servers of this program in a temporary directory, loads them from this process, and
// prints one line per figure with its unit. A run says how much of the machine others took meanwhile (package proc):
// figures are comparable only within one run on one machine. The scenarios run one after the other; within one, each
// connection has a goroutine that a crew of package load owns and ends.
package bench
