// Package faults runs a cluster of real server processes, does to it what machines and networks do, and compares what
// its clients were told with what the nodes hold in the end.
//
//	c := Form(t, 3)                   // processes, on loopback, joined by a Network
//	s := c.Load(Load{Writers: 50})    // connections that publish, and subscribers on every node
//	c.Nodes[c.Leader()].Kill()        // a fault
//	s.Verdict()                       // heals, waits, reads every log, and checks C1 to C5
//
// The one invariant: a History is written by the clients alone, from what they sent and what came back. Nothing in it
// is taken from the servers' word at the end, so a checker compares two independent accounts. Each checker is a pure
// function of a History, and its test shows that it finds the history it is there for.
//
// A Network stands between the nodes: each advertises an address of it, and it knows who dials by looking up the
// process that owns the other end of the connection (/proc, so Linux only; no privileges). So every way from one node
// to another can be cut, delayed, or lose answers by itself. What it cannot show is what TCP does when a cable is
// pulled, since its own ends of the connections live on: for that there is a LAN of network namespaces. Clients and
// the administration go to the nodes directly, also to those cut off.
//
// Every run draws its decisions from one seed, which it prints; HPFRIENDS_SEED repeats it. What the kernel and the
// servers do in between is not repeated: a seed repeats the faults, not the interleaving.
//
// How long the tests are is said in scale.go. This package is for its own tests; nothing imports it.
package faults
